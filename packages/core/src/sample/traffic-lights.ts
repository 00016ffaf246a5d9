import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomDomain, uniforms } from '@headstart/native';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { readRegularText } from '../base/regular-file.ts';
import { sharp } from '../image/index.ts';
import { drawFrom } from './draw.ts';
import { drawScene, type Light, lights, type Scene } from './scene.ts';

export interface TrafficLightOptions extends LongOperationOptions {
  /** Where the sample goes; made where it is missing. */
  readonly folder: string;
  readonly trainPerClass: number;
  readonly validationPerClass: number;
  readonly heldOutPerClass: number;
  readonly seed: number;
}

/** Raise it when the pictures change: older samples are drawn again. */
const generatorVersion = 1;
/** Written last: a folder with it holds a complete sample. */
const recordFile = 'sample.json';
/** Written first: a folder with it was made by this generator, and may be emptied by it. */
const claimFile = '.headstart-sample';
const pictureFolders = ['train', 'validation', 'held-out'];
/** Numbers drawn at once for a picture's scene. */
const lot = 256;

interface Picture {
  readonly path: string;
  readonly light: Light;
  readonly index: number;
}

/**
 * Draws pictures of traffic lights: `train/<class>`, `validation/<class>`, and `held-out` with the
 * truth in the file names. Same seed, same pictures. A complete sample that is there is kept, one
 * that was broken off or drawn otherwise is replaced; nothing else in the folder is touched.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`, or `USAGE` where the folder holds a `train`,
 *   `validation` or `held-out` that this generator did not make; `signal.reason` where aborted
 * @example
 * ```ts
 * await generateTrafficLights({
 *   folder: 'traffic-lights',
 *   trainPerClass: 80,
 *   validationPerClass: 30,
 *   heldOutPerClass: 1,
 *   seed: 0,
 * });
 * ```
 */
export async function generateTrafficLights(options: TrafficLightOptions): Promise<void> {
  const { folder, signal, onProgress, trainPerClass, validationPerClass, heldOutPerClass, seed } =
    options;
  const counts = { trainPerClass, validationPerClass, heldOutPerClass };
  const record = `${JSON.stringify({ generatorVersion, seed, ...counts }, null, 2)}\n`;
  const present = await readRegularText(join(folder, recordFile)).catch(() => undefined);
  if (present === record) return;
  await refuseForeign(folder);
  await writeFileAtomically(join(folder, claimFile), `Drawn by Headstart: ${record}`);
  await clear(folder);
  const pictures = plan(options);
  for (const [done, picture] of pictures.entries()) {
    signal?.throwIfAborted();
    await writeFileAtomically(join(folder, picture.path), await render(picture, seed));
    onProgress?.({ stage: 'drawing', done: done + 1, total: pictures.length, unit: 'pictures' });
  }
  await writeFileAtomically(join(folder, recordFile), record);
}

/** Folders of the same names that this generator did not make are the user's data. */
async function refuseForeign(folder: string): Promise<void> {
  const names = await namesIn(folder);
  const taken = pictureFolders.find((name) => names.includes(name));
  if (taken === undefined || names.includes(claimFile)) return;
  throw new HeadstartError(
    'USAGE',
    `${join(folder, taken)} was not drawn by Headstart and is left alone: choose another folder for the sample.`,
  );
}

/** Removes an older sample, its record first: what is half removed is not a complete sample. */
async function clear(folder: string): Promise<void> {
  try {
    for (const name of [recordFile, ...pictureFolders]) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  } catch (error) {
    throw unwritable(folder, error);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw unwritable(folder, error);
  }
}

function unwritable(folder: string, error: unknown): HeadstartError {
  const message = `Cannot write the sample to ${folder}: ${reasonOf(error)}. Choose a place that can be written.`;
  return new HeadstartError('OUTPUT_UNWRITABLE', message, { cause: error });
}

function plan(options: TrafficLightOptions): Picture[] {
  const { trainPerClass, validationPerClass, heldOutPerClass } = options;
  const total = trainPerClass + validationPerClass + heldOutPerClass;
  return lights.flatMap((light) =>
    Array.from({ length: total }, (_, index): Picture => {
      const number = String(index + 1).padStart(3, '0');
      const path =
        index < trainPerClass
          ? `train/${light}/${light}-${number}.jpg`
          : index < trainPerClass + validationPerClass
            ? `validation/${light}/${light}-${number}.jpg`
            : `held-out/${light}-${index - trainPerClass - validationPerClass + 1}.jpg`;
      return { path, light, index };
    }),
  );
}

/** JPEG bytes of one picture; they depend on the seed, the light and the index only. */
async function render({ light, index }: Picture, seed: number): Promise<Buffer> {
  const next = numbers(seed, lights.indexOf(light), index, 0);
  const scene = drawScene(light, drawFrom(next));
  let image = sharp(Buffer.from(scene.svg));
  if (scene.blur >= 0.3) image = image.blur(scene.blur);
  const pixels = await image.removeAlpha().raw().toBuffer();
  addNoise(pixels, scene, seed, lights.indexOf(light), index);
  const { width, height, quality } = scene;
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
}

/** Uniform numbers of one picture's stream, one after another. */
function numbers(seed: number, light: number, index: number, stream: number): () => number {
  let [block, used] = [0, lot];
  let values: Float64Array = new Float64Array(0);
  return () => {
    if (used === lot) {
      const counter = [light * 16 + stream, index, block++] as [number, number, number];
      values = uniforms({ seed, domain: randomDomain.sampleGenerator, counter }, lot);
      used = 0;
    }
    return values[used++] as number;
  };
}

/** Sensor noise: a sum of uniforms is near enough to a normal distribution. */
function addNoise(pixels: Buffer, scene: Scene, seed: number, light: number, index: number): void {
  const counter = [light * 16 + 1, index, 0] as [number, number, number];
  const stream = { seed, domain: randomDomain.sampleGenerator, counter };
  const values = uniforms(stream, pixels.length * 2);
  const scale = scene.noise * Math.sqrt(6);
  for (let i = 0; i < pixels.length; i++) {
    const sum = (values[2 * i] as number) + (values[2 * i + 1] as number) - 1;
    pixels[i] = Math.min(255, Math.max(0, Math.round((pixels[i] as number) + sum * scale)));
  }
}
