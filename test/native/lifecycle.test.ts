import { readFileSync } from 'node:fs';
import { NativeError, type TensorMap, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import { runModule } from '../util/script.ts';
import { convHead, makeStore, randomFloats, range } from './support/heads.ts';

const shape = [7, 7, 64] as const;
const samples = 64;

function setUp() {
  const store = makeStore(shape, randomFloats(1, samples * 7 * 7 * 64));
  const heads = [{ seed: 0, learningRate: 1e-3 }];
  const trainer = new Trainer({ inputShape: shape, layers: convHead(3), classes: 3, heads });
  /** So many rows that it takes long unless it is ended. */
  const long = (count: number) => {
    const rows = Int32Array.from({ length: count }, (_, i) => i % samples);
    return { store, batches: [{ rows, labels: rows.map((row) => row % 3) }], batchSize: 8 };
  };
  return { store, trainer, long };
}

const withCode = (code: string) => expect.objectContaining({ name: 'NativeError', code });

describe('one operation at a time', () => {
  test('a second one is refused as busy, and so are reads and writes', async () => {
    const { store, trainer, long } = setUp();
    const running = trainer.trainSteps(long(2048));
    await expect(trainer.trainSteps(long(8))).rejects.toThrow(withCode('BUSY'));
    await expect(trainer.predict({ store, rows: range(1) })).rejects.toThrow(withCode('BUSY'));
    expect(() => trainer.getWeights()).toThrow(withCode('BUSY'));
    expect(() => trainer.setLearningRate(1)).toThrow(withCode('BUSY'));
    expect((await running)[0]!.steps).toBe(256);
    expect((await trainer.trainSteps(long(8)))[0]!.steps).toBe(1);
  });

  test('timers run while it trains', async () => {
    const { trainer, long } = setUp();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await trainer.trainSteps(long(4096));
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(2);
  });
});

describe('abort', () => {
  test('ends after the step in flight, with the reason as cause; the trainer goes on', async () => {
    const { trainer, long } = setUp();
    const controller = new AbortController();
    const running = trainer.trainSteps(long(2_000_000), { signal: controller.signal });
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 50);
    const error = await running.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NativeError);
    expect(error).toMatchObject({ code: 'ABORTED', cause: reason });
    const { step } = trainer.getOptimizerState();
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThan(250_000);
    expect((await trainer.trainSteps(long(8)))[0]!.steps).toBe(1);
    expect(trainer.getOptimizerState().step).toBe(step + 1);
  });

  test('a signal that was aborted before starts nothing', async () => {
    const { trainer, long } = setUp();
    const call = trainer.trainSteps(long(8), { signal: AbortSignal.abort() });
    await expect(call).rejects.toThrow(withCode('ABORTED'));
    expect(trainer.getOptimizerState().step).toBe(0);
  });

  test('a signal that is aborted afterwards harms nothing', async () => {
    const { trainer, long } = setUp();
    const controller = new AbortController();
    await trainer.trainSteps(long(8), { signal: controller.signal });
    controller.abort();
    expect((await trainer.trainSteps(long(8)))[0]!.steps).toBe(1);
  });
});

describe('dispose', () => {
  test('may be called again; everything after it is refused', async () => {
    const { store, trainer, long } = setUp();
    trainer.dispose();
    trainer.dispose();
    expect(() => trainer.getWeights()).toThrow(withCode('DISPOSED'));
    expect(() => trainer.setLearningRate(1)).toThrow(withCode('DISPOSED'));
    await expect(trainer.trainSteps(long(8))).rejects.toThrow(withCode('DISPOSED'));
    await expect(trainer.predict({ store, rows: range(1) })).rejects.toThrow(withCode('DISPOSED'));
  });

  test('ends the operation that runs', async () => {
    const { trainer, long } = setUp();
    const running = trainer.trainSteps(long(2_000_000));
    trainer.dispose();
    await expect(running).rejects.toThrow(withCode('ABORTED'));
  });
});

test('an error has the stack of the caller', async () => {
  const { trainer, long } = setUp();
  trainer.dispose();
  const error: unknown = await trainer.trainSteps(long(8)).catch((caught: unknown) => caught);
  expect((error as Error).stack).toContain('lifecycle.test');
});

const runScript = (script: string, nodeOptions: readonly string[] = []) =>
  runModule(prelude + script, { nodeOptions });

const prelude = `
  import { once } from 'node:events';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { Worker } from 'node:worker_threads';
  import { FeatureStore, NativeError, Trainer } from '@headstart/native';
  const make = (channels = 64) => {
    const store = new FeatureStore({ shape: [7, 7, channels], capacity: 8, dtype: 'float32' });
    store.append(new Float32Array(8 * 49 * channels).fill(0.5));
    const layers = [
      { type: 'conv2d', name: 'a', filters: 32, kernelSize: 3, activation: 'relu' },
      { type: 'global_average_pool2d' },
      { type: 'dense', name: 'b', units: 3 },
    ];
    const heads = [{ seed: 0, learningRate: 1e-3 }];
    const trainer = new Trainer({ inputShape: [7, 7, channels], layers, classes: 3, heads, threads: 2 });
    const forever = () => {
      const rows = Int32Array.from({ length: 8_000_000 }, (_, i) => i % 8);
      return trainer.trainSteps({ store, batches: [{ rows, labels: rows.map((r) => r % 3) }], batchSize: 8 });
    };
    return { store, trainer, forever };
  };
`;

describe('processes and workers', { timeout: 90_000 }, () => {
  test('a process that is done with a trainer ends by itself', async () => {
    const script = `
      const { store, trainer } = make();
      await trainer.predict({ store, rows: Int32Array.of(0) });
      console.log('done');
    `;
    expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: 'done\n' });
  });

  test('process.exit() in the middle of a run ends with its own code', async () => {
    const script = `
      make().forever().catch(() => {});
      await sleep(100);
      process.exit(7);
    `;
    expect(await runScript(script)).toMatchObject({ code: 7, signal: null });
  });

  test('worker.terminate() in the middle of a run ends the worker and nothing else', async () => {
    const script = `
      const code = ${JSON.stringify(prelude)} + \`
        import { parentPort } from 'node:worker_threads';
        make().forever().catch(() => {});
        parentPort.postMessage('running');
      \`;
      for (let i = 0; i < 5; i++) {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(
          code.replaceAll("'@headstart/native'", JSON.stringify(import.meta.resolve('@headstart/native'))))));
        worker.on('error', (error) => { console.log(error); });
        await once(worker, 'message');
        await sleep(20 * i);
        await worker.terminate();
      }
      const { store, trainer } = make();
      await trainer.predict({ store, rows: Int32Array.of(0) });
      console.log('alive');
    `;
    expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: 'alive\n' });
  });

  test('ten thousand trainers and stores, disposed of or dropped, leave no memory behind', async () => {
    const script = `
      const cycle = async (i) => {
        const { store, trainer } = make(16);
        if (i % 50 === 0) await trainer.predict({ store, rows: Int32Array.of(0) });
        if (i % 2 === 0) { trainer.dispose(); store.dispose(); }
      };
      for (let i = 0; i < 300; i++) await cycle(i);
      gc();
      await sleep(10);
      const before = process.memoryUsage().rss;
      for (let i = 0; i < 10_000; i++) { await cycle(i); if (i % 250 === 0) { gc(); await sleep(1); } }
      gc();
      await sleep(10);
      console.log(Math.round((process.memoryUsage().rss - before) / 2 ** 20));
    `;
    const { code, stdout } = await runScript(script, ['--expose-gc']);
    expect(code).toBe(0);
    expect(Number(stdout)).toBeLessThan(60);
  });

  test('stores that are dropped and not disposed of are collected before memory runs out', async () => {
    const script = `
      const rows = new Float32Array(4 * 2 ** 20).fill(1);
      for (let i = 0; i < 200; i++) {
        const store = new FeatureStore({ shape: [1, 1, 1024], capacity: 4096, dtype: 'float32' });
        store.append(rows);
        await sleep(1);
      }
      console.log(Math.round(process.resourceUsage().maxRSS / 1024));
    `;
    const { stdout } = await runScript(script);
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(Number(stdout)).toBeLessThan(1600);
  });

  test('a wrong receiver or argument of the addon itself is an error, not a crash', async () => {
    const script = `
      import { createRequire } from 'node:module';
      const native = createRequire(import.meta.url)(process.cwd() + '/packages/native/build/Release/headstart.node');
      const store = new native.FeatureStore(1, 1, 4, 2, 'float32', undefined, undefined, 'cpu');
      const calls = [
        () => native.Trainer.prototype.getTensors.call(store, 0, 'weights'),
        () => native.FeatureStore.prototype.append.call({}, new Float32Array(4)),
        () => native.FeatureStore.prototype.append.call(Object.create(store), new Float32Array(4)),
        () => store.append(new Float64Array(4)),
        () => new native.Trainer(),
        () => new native.Trainer({ inputShape: [1, 1], layers: 7 }),
        () => native.uniforms(),
        () => native.FeatureStore(),
        () => new native.FeatureStore('a'),
      ];
      let caught = 0;
      for (const call of calls) try { call(); } catch (error) { if (error instanceof Error) caught++; }
      console.log(caught, calls.length);
    `;
    expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: '9 9\n' });
  });

  test('where addons are switched off, the error says so', async () => {
    const script = `
      try { make(); } catch (error) {
        console.log(error instanceof NativeError, error.code, error.message.includes('--no-addons'));
      }
    `;
    const { stdout } = await runScript(script, ['--no-addons']);
    expect(stdout).toBe('true ADDON_MISSING true\n');
  });
});

describe('weights whose reading is a program of its own', () => {
  /** Calls `act` where the addon reads the kernel, after the wrapper has checked it. */
  const weightsThat = (act: () => void, weights: TensorMap): TensorMap => {
    const { 'dense/kernel': kernel, ...rest } = weights;
    let reads = 0;
    const get = () => {
      if (++reads === 2) act();
      return kernel;
    };
    return Object.defineProperty({ ...rest }, 'dense/kernel', { get, enumerable: true }) as never;
  };

  test('which disposes of the trainer: refused', () => {
    const { trainer } = setUp();
    const weights = weightsThat(() => trainer.dispose(), trainer.getWeights());
    expect(() => trainer.setWeights(weights)).toThrow(withCode('DISPOSED'));
  });

  test('which starts to train: refused', async () => {
    const { trainer, long } = setUp();
    let running: Promise<unknown> | undefined;
    const weights = weightsThat(() => {
      running = trainer.trainSteps(long(2048));
    }, trainer.getWeights());
    expect(() => trainer.setWeights(weights)).toThrow(withCode('BUSY'));
    await running;
  });
});

test.runIf(process.platform === 'linux')(
  'no memory is set aside for moments that the optimizer has not',
  () => {
    const reserved = (type: 'sgd' | 'adam') => {
      const size = () =>
        Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
      const before = size();
      using _ = new Trainer({
        inputShape: [1, 1, 4096],
        layers: [{ type: 'dense', name: 'dense', units: 1024 }],
        classes: 1024,
        threads: 1,
        heads: Array.from({ length: 16 }, () => ({
          seed: 0,
          learningRate: 1e-3,
          optimizer: { type },
        })),
      });
      return (size() - before) / 1024;
    };
    expect(reserved('sgd')).toBeLessThan(400);
    expect(reserved('adam')).toBeGreaterThan(750);
  },
);
