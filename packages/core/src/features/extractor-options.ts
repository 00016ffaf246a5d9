import type { DeviceChoice } from '../base/device.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import type { ResizeOptions } from '../image/index.ts';
import type { HashingJobOptions } from './open.ts';

/** Which backbone makes the features, where, and from which pixels. */
export interface ExtractorOptions extends LongOperationOptions, ResizeOptions, HashingJobOptions {
  /** `vgg16` (default), `vgg16-untrained`, or an ONNX file. */
  readonly backbone?: string | undefined;
  /** Preprocessing other than the backbone's own. */
  readonly preprocess?: 'caffe' | 'torch' | 'rescale' | 'none' | undefined;
  /** Layer of VGG16 whose output is the features; default `block5_pool`. */
  readonly layer?: string | undefined;
  /** Height and width of images, a multiple of 32; default: the backbone's own, or 224. */
  readonly imageSize?: number | undefined;
  /** Which output of a model with several is the features; default: `features`. */
  readonly output?: string | undefined;
  /** Take `vgg16-untrained` where `vgg16` was not pulled, with a warning. Default false. */
  readonly untrainedWhereMissing?: boolean | undefined;
  readonly device?: DeviceChoice | undefined;
  /** Fail rather than fall back to the CPU. */
  readonly requireGpu?: boolean | undefined;
  readonly threads?: number | undefined;
  /** Arithmetic of the backbone; default `fp32`. `int8` is for the CPU, `fp16` for the GPU. */
  readonly precision?: 'fp32' | 'fp16' | 'int8' | undefined;
  /** How features are kept; default `float16`. */
  readonly featureDtype?: 'float16' | 'float32' | undefined;
  readonly modelsDir?: string | undefined;
}
