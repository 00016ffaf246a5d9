import type { TensorRange } from '../onnx/index.ts';
import type { GuardMemory } from './exit-guard.ts';

/** What the calibration worker is started with. */
export interface CalibrationSetup {
  /** The model, whose outputs are the tensors to be measured. */
  readonly model: Uint8Array;
  readonly input: string;
  readonly tensors: readonly string[];
  /** [height, width] of an image. */
  readonly size: readonly [number, number];
  readonly threads: number | undefined;
  /** Counts the calls under way: the process waits for them when it exits. */
  readonly guard: GuardMemory;
}

/** An image [height, width, 3], or the end. */
export type CalibrationRequest = Uint8Array | 'finish';

export type CalibrationAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'measured' }
  | { readonly type: 'ranges'; readonly ranges: ReadonlyMap<string, TensorRange> }
  | { readonly type: 'failed'; readonly message: string };
