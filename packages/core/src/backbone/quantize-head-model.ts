import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import { decodeModel, quantizeModel, withoutHead } from '../onnx/index.ts';
import { calibrate } from './calibrate.ts';

export interface QuantizeHeadModelOptions extends OperationOptions {
  /** Of the backbone's features of one image. */
  readonly featureShape: readonly number[];
  /** From which the ranges are measured: uint8 RGB [height, width, 3] each. */
  readonly images: readonly Uint8Array[];
  readonly threads?: number | undefined;
  /** After each image. */
  readonly onImage?: ((done: number) => void) | undefined;
}

/**
 * A model that `appendHead` made with its backbone's convolutions in 8 bits; the head, which is
 * small and decides, stays in float32.
 *
 * @param file where the model is from, for messages
 * @throws HeadstartError `BACKBONE_UNSUITABLE`, `USAGE` without images; `signal.reason` where aborted
 */
export async function quantizeHeadModel(
  bytes: Uint8Array,
  file: string,
  { featureShape, images, ...options }: QuantizeHeadModelOptions,
): Promise<Uint8Array> {
  if (images.length === 0) {
    throw new HeadstartError('USAGE', 'int8 needs some images to measure ranges on.');
  }
  const model = decodeModel(bytes, file);
  const backbone = withoutHead(model, file, featureShape);
  // Of the head no ranges are known: what has none is left as it is.
  const ranges = await calibrate(backbone, file, images, options);
  return quantizeModel(model, ranges, { calibration_images: String(images.length) });
}
