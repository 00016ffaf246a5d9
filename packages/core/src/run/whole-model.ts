import type { OperationOptions } from '../base/operation.ts';
import type { HeadWeights, ResolvedHead } from '../head/index.ts';
import { appendHeadParts } from '../onnx/index.ts';

export interface HeadModelOptions extends OperationOptions {
  /** The backbone's ONNX file. */
  readonly backbonePath: string;
  readonly head: ResolvedHead;
  readonly weights: HeadWeights;
  /** Class names, by label. */
  readonly classes: readonly string[];
  /** Logits are divided by it before the softmax; default 1. */
  readonly temperature?: number | undefined;
  /** Goes into the model's metadata_props. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * Backbone and head as the bytes of one ONNX model, in parts: uint8 NHWC image in, `probabilities`
 * [N, K] and `label` [N] out.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE`
 */
export async function wholeModel(options: HeadModelOptions): Promise<Uint8Array[]> {
  const { backbonePath, head, weights, classes, temperature, metadata = {}, signal } = options;
  signal?.throwIfAborted();
  const { layers } = head;
  return appendHeadParts(backbonePath, { layers, weights, classes, temperature, metadata });
}
