import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll } from 'vitest';
import { repositoryRoot } from './shared.ts';

/** A folder that is gone after the test. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'headstart-test-'));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** A folder that all tests of a file share: there before its own hooks, gone after them. */
export function testFolder() {
  let folder: TemporaryFolder;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(() => folder[Symbol.asyncDispose]());
  return {
    get path() {
      return folder.path;
    },
    at: (...parts: string[]) => join(folder.path, ...parts),
  };
}

/** A backbone that costs nothing: uint8 [N,32,32,3] in, features [N,8,8,12] out. */
export const tinyBackbone = join(repositoryRoot, 'test/fixtures/tiny-backbone/tiny.onnx');

/**
 * Writes `count` pictures a class: noisy plain colours with a square, all different. Classes are
 * told apart by their hue.
 */
export async function writePictures(
  folder: string,
  classes: readonly string[],
  count: number,
): Promise<void> {
  for (const [label, name] of classes.entries()) {
    await mkdir(join(folder, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const path = join(folder, name, `${name}-${String(i).padStart(3, '0')}.png`);
      await picture(label, i).png().toFile(path);
    }
  }
}

const hues = [
  [220, 60, 50],
  [60, 190, 70],
  [60, 80, 210],
];

function picture(label: number, seed: number) {
  const size = 40;
  const [r = 0, g = 0, b = 0] = hues[label % hues.length] ?? [];
  const pixels = Buffer.alloc(size * size * 3);
  for (let i = 0; i < size * size; i++) {
    // A small linear congruence: enough to make every picture different.
    const noise = ((i * 1103515245 + seed * 12345 + label * 777) >>> 16) % 40;
    const inSquare = i % size > 8 + (seed % 7) && i % size < 30 && i / size > 8 && i / size < 28;
    const share = inSquare ? 1 : 0.6;
    pixels[i * 3] = Math.min(255, r * share + noise);
    pixels[i * 3 + 1] = Math.min(255, g * share + noise);
    pixels[i * 3 + 2] = Math.min(255, b * share + noise);
  }
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } });
}
