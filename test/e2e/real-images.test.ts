import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../util/cli.ts';
import { sharedPath } from '../util/shared.ts';
import { temporaryFolder } from '../util/workspace.ts';

const flowers = sharedPath('data/flowers');
const awkward = sharedPath('data/awkward');
const mobilenet = sharedPath('weights/mobilenetv2.onnx');

async function train(folder: string, ...args: string[]) {
  const env = {
    HEADSTART_CACHE_DIR: join(folder, 'cache'),
    HEADSTART_MODELS_DIR: join(folder, 'models'),
  };
  const options = ['--backbone', mobilenet as string, '--no-augment', '--json'];
  const result = await runCli(['train', ...args, ...options], { cwd: folder, env });
  expect(result.stderr).not.toContain('error:');
  expect(result.code).toBe(0);
  return JSON.parse(result.stdout);
}

describe.skipIf(!flowers || !mobilenet)('flowers, with features of a trained MobileNetV2', () => {
  it('are told apart by the linear head and by the original one', async () => {
    await using place = await temporaryFolder();
    const linear = await train(place.path, flowers as string, '--head', 'linear', '--out', 'a');
    expect(linear.validation.accuracy).toBeGreaterThanOrEqual(0.83);
    const conv = await train(place.path, flowers as string, '--head', 'conv', '--out', 'b');
    expect(conv.validation.accuracy).toBeGreaterThanOrEqual(0.8);
    expect(conv.features.computed).toBe(0);
  });
});

describe.skipIf(!flowers || !awkward || !mobilenet)('files that break image readers', () => {
  it('are used or named with a reason, and the run ends', async () => {
    await using place = await temporaryFolder();
    const data = join(place.path, 'data');
    await cp(awkward as string, join(data, 'awkward'), { recursive: true });
    await cp(join(flowers as string, 'train/daisy'), join(data, 'daisy'), { recursive: true });
    const { skipped, run } = await train(place.path, data, '--head', 'linear', '--epochs', '3');
    const files: string[] = skipped.map(({ file }: { file: string }) => file);
    for (const bad of [
      'jd-empty.jpg',
      'sharp-65536-uint32-limit.png',
      'pillow-truncated_jpeg.jpg',
    ]) {
      expect(
        files.some((file) => file.endsWith(bad)),
        bad,
      ).toBe(true);
    }
    const whole = await readdir(join(awkward as string, 'exif-orientation'));
    for (const good of whole.filter((name) => name.endsWith('.jpg'))) {
      expect(
        files.some((file) => file.endsWith(`/${good}`)),
        good,
      ).toBe(false);
    }
    const listed = await readFile(join(run, 'skipped.csv'), 'utf8');
    for (const file of files) expect(listed).toContain(file);
    for (const { reason } of skipped) expect(reason).toMatch(/\S+ \S+/);
  });
});
