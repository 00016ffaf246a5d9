import { describe, expect, test } from 'vitest';
import { runModule } from '../util/script.ts';
import { hasGpu, isEmulated } from './support/device.ts';

const prelude = `
  import { once } from 'node:events';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { Worker } from 'node:worker_threads';
  import { FeatureStore, Trainer } from '@headstart/native';
  const shape = [3, 3, 8];
  const make = (backend = 'cuda') => {
    const store = new FeatureStore({ shape, capacity: 8, dtype: 'float32' });
    store.append(new Float32Array(8 * 72).fill(0.5));
    const layers = [{ type: 'flatten' }, { type: 'dense', name: 'a', units: 3 }];
    const heads = [{ seed: 0, learningRate: 1e-3 }];
    const trainer = new Trainer({ inputShape: shape, layers, classes: 3, heads, backend });
    const train = (count) => {
      const rows = Int32Array.from({ length: count }, (_, i) => i % 8);
      const batches = [{ rows, labels: rows.map((row) => row % 3) }];
      return trainer.trainSteps({ store, batches, batchSize: 8 });
    };
    return { store, trainer, train };
  };
`;

describe.runIf(hasGpu)('processes and workers that use the GPU', () => {
  test('a process that is done with a trainer ends by itself', async () => {
    const script = `await make().train(8); console.log('done');`;
    expect(await runModule(prelude + script)).toEqual({ code: 0, signal: null, stdout: 'done\n' });
  });

  test('process.exit() in the middle of a run ends with its own code', async () => {
    const script = `make().train(1e6).catch(() => {}); await sleep(100); process.exit(7);`;
    expect(await runModule(prelude + script)).toMatchObject({ code: 7, signal: null });
  });

  test('worker.terminate() in the middle of a run ends the worker and nothing else', async () => {
    const script = `
      const code = ${JSON.stringify(prelude)} + \`
        import { parentPort } from 'node:worker_threads';
        make().train(1e6).catch(() => {});
        parentPort.postMessage('running');
      \`;
      const native = JSON.stringify(import.meta.resolve('@headstart/native'));
      const text = code.replaceAll("'@headstart/native'", native);
      for (let i = 0; i < 4; i++) {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(text)));
        worker.on('error', (error) => { console.log(error); });
        await once(worker, 'message');
        await sleep(30 * i);
        await worker.terminate();
      }
      await make().train(8);
      console.log('alive');
    `;
    expect(await runModule(prelude + script)).toEqual({ code: 0, signal: null, stdout: 'alive\n' });
  });

  test('memory of trainers and stores that were dropped comes back', async () => {
    const script = `
      for (let i = 0; i < 400; i++) {
        const { train } = make();
        await train(8);
        if (i % 20 === 0) { gc(); await sleep(1); }
      }
      console.log('done');
    `;
    // A trainer and its store take some 30 kB.
    const env = { HEADSTART_EMULATED_MEMORY: '2000000' };
    const nodeOptions = ['--expose-gc'];
    expect(await runModule(prelude + script, { env, nodeOptions })).toMatchObject({
      stdout: 'done\n',
    });
  });

  test.runIf(isEmulated)(
    'a fault ends what the process does on the GPU, and only that',
    async () => {
      const script = `
      const [gpu, cpu] = [make(), make('cpu')];
      await gpu.train(8);
      for (let i = 0; i < 2; i++) {
        await gpu.train(800).catch(({ code, message }) => console.log(code, message));
      }
      try { make(); } catch ({ code }) { console.log(code); }
      const [{ steps }] = await cpu.train(8);
      console.log(steps);
    `;
      const lost =
        /^DEVICE_FAILED The GPU failed in .*: an illegal memory access .*: start it again\.$/;
      const { stdout } = await runModule(prelude + script, {
        env: { HEADSTART_EMULATED_FAULT: '90' },
      });
      const lines = stdout.trim().split('\n');
      expect(lines).toHaveLength(4);
      expect(lines[0]).toMatch(lost);
      expect(lines[1]).toMatch(lost);
      expect(lines.slice(2)).toEqual(['DEVICE_FAILED', '1']);
    },
  );
});
