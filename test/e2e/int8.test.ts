import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { backends } from '@headstart/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliIn } from '../util/place.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

let place: TemporaryFolder;

const cli = (...args: string[]) => cliIn(place, args);

const gpuIsHere = backends().some(({ name, available }) => name === 'cuda' && available);

const int8 = ['--backbone', tinyBackbone, '--precision', 'int8'];

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['blue', 'green', 'red'], 14);
});
afterAll(() => place[Symbol.asyncDispose]());

describe('--precision int8', () => {
  it('measures ranges once, says how far features are from fp32, and keeps both apart', async () => {
    const first = await cli('features', 'data', ...int8, '--no-augment');
    expect(first.stderr).toMatch(/Backbone tiny \(features 8x8x12, int8\) on CPU/);
    expect(first.stdout).toMatch(
      /^int8 changes features by \d+\.\d % \(median of 8 images, at most \d+\.\d %\)$/m,
    );
    const [file] = await readdir(join(place.path, 'models/int8'));
    const bytes = await readFile(join(place.path, 'models/int8', file!));
    const again = await cli('features', 'data', ...int8, '--no-augment', '--json');
    const report = JSON.parse(again.stdout);
    expect(report).toMatchObject({ computed: 0, reused: 42, feature_error: { images: 8 } });
    expect(report.feature_error.median).toBeLessThan(0.1);
    expect(await readFile(join(place.path, 'models/int8', file!))).toEqual(bytes);
    const exact = await cli(
      'features',
      'data',
      '--backbone',
      tinyBackbone,
      '--no-augment',
      '--json',
    );
    expect(JSON.parse(exact.stdout)).toMatchObject({ computed: 42, reused: 0 });
    expect(JSON.parse(exact.stdout).feature_error).toBeUndefined();
  });

  it('trains a model that predicts in int8, and is evaluated on cached features', async () => {
    const head = ['--head', 'linear', '--learning-rate', '0.2', '--monitor', 'val_loss'];
    const long = ['--epochs', '40', '--patience', '40'];
    const trained = await cli('train', 'data', ...int8, ...head, ...long, '--out', 'run', '--json');
    expect(trained.code).toBe(0);
    const record = JSON.parse(await readFile(join(place.path, 'run/run.json'), 'utf8'));
    expect(record.backbone.precision).toBe('int8');
    const predicted = await cli('predict', 'run', 'data/red', '--format', 'json');
    const labels = JSON.parse(predicted.stdout).map((one: { label: string }) => one.label);
    expect(labels.filter((label: string) => label === 'red').length).toBeGreaterThan(10);
    const evaluated = await cli('evaluate', 'run', 'data', '--json');
    expect(evaluated.stderr).toMatch(/Backbone tiny \(features 8x8x12, int8\)/);
    expect(JSON.parse(evaluated.stdout).metrics.accuracy).toBeGreaterThan(0.8);
  });

  it('is refused on the GPU with what to do', async () => {
    const { code, stderr } = await cli('features', 'data', ...int8, '--device', 'cuda');
    expect(stderr).toContain('int8 is computed on the CPU: use fp32 on the GPU.');
    expect(code).toBe(2);
  });
});

describe('--precision fp16', () => {
  const fp16 = ['--backbone', tinyBackbone, '--precision', 'fp16'];

  it('is for the GPU: on the CPU it is refused, before anything is written', async () => {
    const { code, stderr } = await cli('features', 'data', ...fp16, '--device', 'cpu');
    expect(stderr).toContain('fp16 is computed on the GPU: use fp32 or int8 on the CPU.');
    expect(code).toBe(2);
    expect(await readdir(join(place.path, 'models'))).not.toContain('fp16');
  });

  it.skipIf(gpuIsHere)('needs a GPU', async () => {
    const { code, stderr } = await cli('features', 'data', ...fp16);
    expect(stderr).toContain('A GPU is required and cannot be used');
    expect(code).toBe(5);
  });
});
