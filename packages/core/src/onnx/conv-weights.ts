import { HeadstartError } from '../base/errors.ts';

/** Weights of one convolution. */
export interface ConvWeights {
  /** [outputs, inputs, 3, 3] (OIHW), as ONNX wants it. */
  readonly kernel: Float32Array;
  /** [outputs] */
  readonly bias: Float32Array;
}

/** What pixels were turned into when the weights were trained. */
export type Preprocessing = 'caffe' | 'torch' | 'rescale';

/** All convolutions of VGG16, in order, and where they came from. */
export interface Vgg16Weights {
  readonly convolutions: readonly ConvWeights[];
  /** The preprocessing that they were trained with. */
  readonly preprocessing: Preprocessing;
  /** `keras`, `torchvision` or `he-uniform`. */
  readonly format: string;
}

/** `block1_conv1/kernel must be 3x3x3x64, not …`, where a shape is not VGG16's. */
export function checkShape(
  file: string,
  name: string,
  shape: readonly number[],
  expected: readonly number[],
): void {
  if (shape.length === expected.length && shape.every((n, i) => n === expected[i])) return;
  throw new HeadstartError(
    'WEIGHTS_INVALID',
    `${file} does not hold VGG16: ${name} is ${shape.join('x') || 'a scalar'}, not ${expected.join('x')}.`,
  );
}

/** @throws HeadstartError `WEIGHTS_INVALID` for NaN and infinity */
export function checkFinite(file: string, name: string, values: Float32Array): void {
  if (values.every(Number.isFinite)) return;
  throw new HeadstartError(
    'WEIGHTS_INVALID',
    `${file} is damaged: ${name} holds values that are not numbers. Fetch it again.`,
  );
}

/** The values of a little-endian float32 tensor, in memory of their own. */
export function float32Of(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}
