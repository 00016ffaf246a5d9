import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliIn } from '../util/place.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';
import { hasGpu } from './support/device.ts';

let place: TemporaryFolder;

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['blue', 'green', 'red'], 12);
});
afterAll(() => place[Symbol.asyncDispose]());

const cli = (...args: string[]) => cliIn(place, args);

async function trained(...args: string[]) {
  const common = ['--backbone', tinyBackbone, '--epochs', '6', '--patience', '9', '--json'];
  const result = await cli('train', 'data', ...common, ...args);
  expect(result.stderr).not.toContain('error:');
  const summary = JSON.parse(result.stdout);
  const record = JSON.parse(await readFile(join(summary.run, 'run.json'), 'utf8'));
  return { summary, record, stderr: result.stderr };
}

describe.runIf(hasGpu)('headstart train', () => {
  test('takes the GPU by itself, and learns there what it learns on the CPU', async () => {
    const gpu = await trained('--out', 'gpu');
    const cpu = await trained('--out', 'cpu', '--device', 'cpu');
    expect(gpu.stderr).toMatch(/Head on CUDA, .+, fp32/);
    expect(gpu.record.device.training).toMatch(/^CUDA, .+, fp32$/);
    expect(cpu.record.device.training).toMatch(/^CPU, .+, fp32$/);
    expect(gpu.summary.train.loss).toBeCloseTo(cpu.summary.train.loss, 3);
    expect(gpu.summary.validation.accuracy).toBe(cpu.summary.validation.accuracy);
  });

  test('multiplies as --compute says, and records it', async () => {
    const { record } = await trained('--out', 'tf32', '--compute', 'tf32');
    expect(record.device.training).toMatch(/^CUDA, .+, tf32$/);
  });

  test('refuses tf32 on the CPU before any image is read', async () => {
    const args = ['--backbone', tinyBackbone, '--device', 'cpu', '--compute', 'tf32'];
    const { code, stderr } = await cli('train', 'data', ...args);
    expect(stderr).toMatch(/error: Heads cannot be trained in tf32 on CPU, .+: that needs a GPU/);
    expect(code).toBe(2);
  });

  test('doctor says that heads train on the GPU', async () => {
    const { stdout, code } = await cli('doctor');
    expect(stdout).toMatch(/^Head on the GPU +yes +CUDA, .+; fp32/m);
    expect(code).toBe(0);
  });
});
