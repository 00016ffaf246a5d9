import type { BackboneFile, ImageSettings, LocateOptions } from '../backbone/index.ts';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import {
  backboneOptions,
  deviceOptions,
  folderOptions,
  type OptionsOf,
  precisionOptions,
  resizeOptions,
  threadsOption,
} from '../options/index.ts';
import type { HashingCacheOptions } from './open.ts';

/** Which backbone makes the features, where, and from which pixels. */
export const extractorOptions = {
  ...backboneOptions,
  ...resizeOptions,
  ...precisionOptions,
  ...deviceOptions,
  ...threadsOption,
  ...folderOptions,
} as const;

/**
 * Which of a backbone's forms is meant, as `locateBackbone` takes it.
 *
 * @throws HeadstartError `USAGE` where preprocessing is given both by name and by its numbers
 */
export function backboneChoice({
  preprocess,
  mean,
  std,
  scale,
  layer,
  imageSize,
  output,
  tokens,
  cutClassifier,
}: OptionsOf<typeof backboneOptions>): Omit<LocateOptions, 'modelsDir'> {
  const choice = { layer, imageSize, output, tokens, cutClassifier };
  if (mean === undefined && std === undefined && scale === undefined) {
    return { ...choice, preprocessing: preprocess };
  }
  if (preprocess !== undefined) {
    throw new HeadstartError(
      'USAGE',
      'Give either `preprocess`, or `mean`, `std` and `scale`, not both.',
      { option: 'preprocess' },
    );
  }
  const numbers = { scale: scale ?? 1 / 255, mean: mean ?? [0, 0, 0], deviation: std ?? [1, 1, 1] };
  return { ...choice, preprocessing: numbers };
}

/** How images come to a backbone: as asked for, else as the maker of the model does it, else stretched, bilinear. */
export function imageSettings(
  { resize, fit }: OptionsOf<typeof resizeOptions>,
  { images }: Pick<BackboneFile, 'images'>,
): ImageSettings {
  return {
    resize: resize ?? images?.resize ?? 'bilinear',
    fit: fit ?? images?.fit ?? 'stretch',
  };
}

export interface ExtractorOptions
  extends LongOperationOptions,
    HashingCacheOptions,
    OptionsOf<typeof extractorOptions> {
  /** Take `vgg16-untrained` where `vgg16` was not pulled, with a warning. Default false. */
  readonly untrainedWhereMissing?: boolean | undefined;
}
