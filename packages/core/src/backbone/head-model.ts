import { HeadstartError } from '../errors.ts';
import type { OperationOptions } from '../operation.ts';
import { decodeModel, encodeModel, metadataProps, modelMetadata } from './onnx-model.ts';
import { calibrate } from './quantize/index.ts';
import { quantizeModel } from './quantize/quantize-model.ts';
import { withoutHead } from './without-head.ts';

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

/** The model with these entries in its metadata, which replace those of the same name. */
export function withMetadata(
  bytes: Uint8Array,
  file: string,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const model = decodeModel(bytes, file);
  return encodeModel({
    ...model,
    metadataProps: metadataProps({ ...modelMetadata(model), ...metadata }),
  });
}
