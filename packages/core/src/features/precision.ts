import {
  type Backbone,
  type BackboneFile,
  type BackboneInfo,
  chooseProvider,
  type FeatureError,
  featureError,
  halfBackbone,
  type ImageSize,
  quantizedBackbone,
} from '../backbone/index.ts';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import type { Sample } from '../dataset/index.ts';
import { type ExtractorOptions, imageSettings } from './extractor-options.ts';
import { readImage } from './read-image.ts';

/** Gives some of the images that features are wanted of. Called where they are needed. */
export type SampleSource = () => Promise<readonly Sample[]>;

/** Images that a backbone of less precision is compared on. */
const comparedImages = 8;

/**
 * The backbone in the arithmetic that the options ask for.
 *
 * @throws HeadstartError `USAGE` where int8 is to be computed on the GPU, or fp16 on the CPU;
 *   `GPU_REQUIRED` where fp16 is asked for without a GPU
 */
export async function inPrecision(
  file: BackboneFile,
  options: ExtractorOptions,
  source: SampleSource,
): Promise<BackboneFile> {
  const { precision = 'fp32', device, requireGpu, signal } = options;
  if (precision === 'fp32') return file;
  const modelsDir = options.modelsDir ?? defaultDirectories().modelsDir;
  if (precision === 'fp16') {
    if (device === 'cpu') {
      throw new HeadstartError(
        'USAGE',
        'fp16 is computed on the GPU: use fp32 or int8 on the CPU.',
      );
    }
    // Before anything is written.
    chooseProvider({ device, requireGpu: true });
    return halfBackbone(file, { modelsDir, signal });
  }
  if ((device !== undefined && device !== 'auto' && device !== 'cpu') || requireGpu) {
    throw new HeadstartError('USAGE', 'int8 is computed on the CPU: use fp32 on the GPU.');
  }
  return quantizedBackbone(file, {
    ...options,
    modelsDir,
    images: async (count, size) =>
      someImages(await source(), count, { ...size, ...imageSettings(options, file), signal }),
  });
}

/** How much less precision changes the features of these images. */
export async function errorOfPrecision(
  exact: BackboneFile,
  rounded: Pick<Backbone, 'run'> & { readonly info: BackboneInfo },
  samples: readonly Sample[],
  options: ExtractorOptions,
): Promise<FeatureError> {
  const { threads, signal } = options;
  const size = { ...rounded.info.input, ...imageSettings(options, exact) };
  const images = await someImages(samples, comparedImages, { ...size, signal });
  return featureError(exact, rounded, images, { threads, signal });
}

/**
 * Up to `count` images that can be read, spread over all. In the order of their content, so that
 * it is the same ones whatever the files are called.
 */
async function someImages(
  samples: readonly Sample[],
  count: number,
  { signal, ...options }: ImageSize & Pick<ExtractorOptions, 'resize' | 'fit' | 'signal'>,
): Promise<Uint8Array[]> {
  const ordered = [...samples].sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const images: Uint8Array[] = [];
  for (const sample of ordered) {
    if (images.length === count) break;
    signal?.throwIfAborted();
    const { pixels } = await readImage([sample], options);
    if (pixels) images.push(pixels);
  }
  return images;
}
