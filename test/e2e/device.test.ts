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

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['green', 'red'], 6);
});
afterAll(() => place[Symbol.asyncDispose]());

const features = (...args: string[]) =>
  cliIn(place, ['features', 'data', '--backbone', tinyBackbone, '--no-augment', ...args]);

const hasGpu = backends().some(({ name, available }) => name === 'cuda' && available);

describe('--device', () => {
  it.skipIf(hasGpu).each(['cuda'])(
    '%s without a GPU ends with 5, says why, and leaves a cache that can be used',
    async (device) => {
      for (let i = 0; i < 2; i++) {
        const { code, stderr } = await features('--device', device);
        expect(stderr).toMatch(/^error: A GPU is required and cannot be used: .+\.$/m);
        expect(code).toBe(5);
      }
      expect((await features('--device', 'cpu')).code).toBe(0);
    },
  );

  it.each([
    ['cuda', 'int8', 'int8 is computed on the CPU: use fp32 on the GPU.'],
    ['cpu', 'fp16', 'fp16 is computed on the GPU: use fp32 or int8 on the CPU.'],
  ])('%s does not compute in %s', async (device, precision, message) => {
    const { code, stderr } = await features('--device', device, '--precision', precision);
    expect(stderr).toContain(`error: ${message}`);
    expect(code).toBe(2);
  });

  it('of a kind that there is not is wrong usage, with the kinds that there are', async () => {
    const { code, stderr } = await features('--device', 'tpu');
    expect(stderr).toContain('Allowed choices are auto, cuda, cpu');
    expect(code).toBe(2);
  });
});
