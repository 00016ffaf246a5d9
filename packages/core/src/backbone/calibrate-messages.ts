import type { TensorRange } from '../onnx/index.ts';

/** What the calibration worker is started with. */
export interface CalibrationSetup {
  /** The model, whose outputs are the tensors to be measured. */
  readonly model: Uint8Array;
  readonly input: string;
  readonly tensors: readonly string[];
  /** [height, width] of an image. */
  readonly size: readonly [number, number];
  readonly threads: number | undefined;
}

/** An image [height, width, 3], or the end. */
export type CalibrationRequest = Uint8Array | 'finish';

export type CalibrationAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'measured' }
  | { readonly type: 'ranges'; readonly ranges: ReadonlyMap<string, TensorRange> }
  | { readonly type: 'failed'; readonly message: string };
