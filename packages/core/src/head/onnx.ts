import { writeFileAtomically } from '../atomic-file.ts';
import { appendHead } from '../backbone/index.ts';
import type { OperationOptions } from '../operation.ts';
import type { ResolvedHead } from './spec.ts';
import type { HeadWeights } from './weights.ts';

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
 * Writes backbone and head as one ONNX model, whole or not at all: uint8 NHWC image in,
 * `probabilities` [N, K] and `label` [N] out.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`, `BACKBONE_UNSUITABLE`
 */
export async function writeHeadModel(path: string, options: HeadModelOptions): Promise<void> {
  const { backbonePath, head, weights, classes, temperature, metadata = {}, signal } = options;
  signal?.throwIfAborted();
  const model = await appendHead(backbonePath, {
    layers: head.layers,
    weights,
    classes,
    temperature,
    metadata,
  });
  signal?.throwIfAborted();
  await writeFileAtomically(path, model);
}
