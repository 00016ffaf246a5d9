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

export interface ExtractorOptions
  extends LongOperationOptions,
    HashingCacheOptions,
    OptionsOf<typeof extractorOptions> {
  /** Take `vgg16-untrained` where `vgg16` was not pulled, with a warning. Default false. */
  readonly untrainedWhereMissing?: boolean | undefined;
}
