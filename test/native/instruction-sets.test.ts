import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';
import { relativeError } from './support/heads.ts';

/** Trains a little in a process of its own; undefined where the processor lacks the set. */
function weightsWith(instructions: string): Float32Array | undefined {
  const script = `
    import { backends, FeatureStore, Trainer, uniforms } from '@headstart/native';
    try { backends(); } catch (error) {
      if (error.code !== 'INVALID_ARGUMENT') throw error;
      process.exit(0);
    }
    const shape = [7, 7, 130];
    const features = uniforms({ seed: 1, domain: 7 }, 31 * 6370);
    const store = new FeatureStore({ shape, capacity: 31, dtype: 'float32' });
    store.append(Float32Array.from(features));
    const layers = [
      { type: 'conv2d', name: 'a', filters: 65, kernelSize: 3, activation: 'relu' },
      { type: 'max_pool2d' },
      { type: 'dropout', rate: 0.25 },
      { type: 'conv2d', name: 'b', filters: 130, kernelSize: 3, activation: 'relu' },
      { type: 'conv2d', name: 'd', filters: 9, kernelSize: 3, activation: 'relu' },
      { type: 'conv2d', name: 'e', filters: 5, kernelSize: 1 },
      { type: 'flatten' },
      { type: 'dense', name: 'c', units: 3 },
    ];
    const trainer = new Trainer({
      inputShape: shape, layers, classes: 3, heads: [{ seed: 1, learningRate: 1e-3 }],
    });
    const rows = Int32Array.from({ length: 31 }, (_, i) => i);
    const batches = [{ rows, labels: rows.map((row) => row % 3) }];
    for (let i = 0; i < 5; i++) await trainer.trainSteps({ store, batches, batchSize: 8 });
    const weights = Object.values(trainer.getWeights()).flatMap(({ data }) => Array.from(data));
    process.stdout.write(Buffer.from(Float32Array.from(weights).buffer));
  `;
  const bytes = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: repositoryRoot,
    env: { ...process.env, HEADSTART_CPU: instructions },
    maxBuffer: 2 ** 26,
  });
  if (bytes.length > 0) return new Float32Array(Uint8Array.from(bytes).buffer);
  console.log(`skipped: this processor has no ${instructions}`);
  return undefined;
}

// Two layers with many weights, by transforms, and two with few, by plain sums.
const portable = weightsWith('portable')!;
const avx2 = weightsWith('avx2');
const avx512 = weightsWith('avx512');

test('an instruction set that does not exist is an error that says what to do', () => {
  expect(weightsWith('mmx')).toBeUndefined();
});

test.runIf(avx2)('AVX2 agrees with the portable kernels within rounding', () => {
  expect(portable.length).toBeGreaterThan(10_000);
  expect(relativeError(avx2!, portable)).toBeLessThan(1e-4);
});

test.runIf(avx2 && avx512)('AVX2 and AVX-512 give the same bits', () => {
  expect(avx512).toEqual(avx2);
});
