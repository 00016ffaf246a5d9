import { backends } from '@headstart/native';
import { describe, expect, test, vi } from 'vitest';
import { Backbone, chooseProvider, locateBackbone } from '#core/backbone';
import { usesTf32 } from '../../../packages/core/src/backbone/device.ts';
import { tinyBackbone } from '../../util/workspace.ts';
import { someImages } from './models.ts';

const size = 32;
const imageBytes = size * size * 3;
const tiny = () => locateBackbone(tinyBackbone, { modelsDir: '/nowhere' });
const open = async () => Backbone.open(await tiny(), { device: 'cpu', threads: 1 });

describe('an open backbone', () => {
  test('says what it takes, what it gives and where it runs', async () => {
    await using backbone = await open();
    expect(backbone.info).toMatchObject({
      name: 'tiny',
      input: { height: size, width: size },
      featureShape: [8, 8, 12],
      provider: 'cpu',
      device: 'CPU, 1 thread',
    });
  });

  test('gives the same features for an image alone, in a batch, and in a part of a buffer', async () => {
    await using backbone = await open();
    const images = someImages(4, size);
    const all = await backbone.run(images, 4);
    const row = all.length / 4;
    for (let i = 0; i < 4; i++) {
      const part = images.subarray(i * imageBytes, (i + 1) * imageBytes);
      expect(await backbone.run(part, 1)).toEqual(all.slice(i * row, (i + 1) * row));
    }
    const buffer = Buffer.from(images);
    expect(await backbone.run(buffer.subarray(0, imageBytes), 1)).toEqual(all.slice(0, row));
    expect(new Uint8Array(buffer)).toEqual(images);
  });

  test('answers runs that were asked for at once, each with its own features', async () => {
    await using backbone = await open();
    const images = Array.from({ length: 6 }, (_, i) => new Uint8Array(imageBytes).fill(40 * i));
    const together = await Promise.all(images.map((image) => backbone.run(image, 1)));
    for (const [i, image] of images.entries()) {
      expect(together[i]).toEqual(await backbone.run(image, 1));
    }
    expect(together[0]).not.toEqual(together[5]);
  });

  test('refuses images of another size', async () => {
    await using backbone = await open();
    await expect(backbone.run(new Uint8Array(100), 1)).rejects.toThrow('100 bytes');
    await expect(backbone.run(new Uint8Array(0), 0)).rejects.toThrow('0 bytes');
  });

  test('rejects what is still asked of it when it is closed, and closes twice', async () => {
    const backbone = await open();
    const pending = backbone.run(someImages(8, size), 8).catch((error: unknown) => error);
    await backbone.close();
    await backbone.close();
    expect(await pending).toSatisfy((v) => v instanceof Error || v instanceof Float32Array);
    await expect(backbone.run(someImages(1, size), 1)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  test('ends its thread also where nothing was run, with the last that shares it', async () => {
    // An idle thread keeps no process; but where there is one, the process waits for it at its exit.
    const before = process.listenerCount('exit');
    const threads = () => process.listenerCount('exit') - before;
    const backbone = await open();
    const other = backbone.share();
    expect(threads()).toBe(1);
    await backbone.close();
    await backbone.close();
    expect(threads()).toBe(1);
    expect(await other.run(someImages(1, size), 1)).toHaveLength(768);
    await other.close();
    expect(threads()).toBe(0);
    await (await open()).close();
    expect(threads()).toBe(0);
  });

  test('is not opened where the signal is aborted already', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(Backbone.open(await tiny(), { device: 'cpu', signal })).rejects.toThrow('enough');
  });
});

describe('the device', () => {
  const hasGpu = backends().some(({ name, available }) => name === 'cuda' && available);

  test('cpu is the CPU without a word', () => {
    expect(chooseProvider({ device: 'cpu' })).toEqual({ device: 'cpu' });
  });

  test('cpu and a required GPU contradict each other', () => {
    expect(() => chooseProvider({ device: 'cpu', requireGpu: true })).toThrow(/GPU is required/);
  });

  test('on an NVIDIA GPU rounds to TF32, unless the environment forbids it', () => {
    vi.stubEnv('NVIDIA_TF32_OVERRIDE', undefined);
    expect((['cpu', 'cuda'] as const).map(usesTf32)).toEqual([false, true]);
    vi.stubEnv('NVIDIA_TF32_OVERRIDE', '0');
    expect(usesTf32('cuda')).toBe(false);
    vi.unstubAllEnvs();
  });

  test.skipIf(hasGpu)('auto without a GPU is the CPU, and says why', async () => {
    const { device, notice } = chooseProvider({ device: 'auto' });
    expect(device).toBe('cpu');
    expect(notice).toMatch(/^The CPU is used: .+\.$/);
    await using backbone = await Backbone.open(await tiny(), { device: 'auto' });
    expect(backbone.info.notice).toBe(notice);
  });

  test.skipIf(hasGpu).each([{ device: 'cuda' }, { requireGpu: true }] as const)(
    '%o without a GPU is refused with the reason',
    async (options) => {
      await expect(Backbone.open(await tiny(), options)).rejects.toMatchObject({
        code: 'GPU_REQUIRED',
        message: expect.stringMatching(/cannot be used: .+/),
      });
    },
  );
});
