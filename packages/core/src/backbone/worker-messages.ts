import type { StackPlan } from '../onnx/index.ts';
import type { Provider } from './device.ts';
import type { GuardMemory } from './exit-guard.ts';

/** What the inference worker is started with. */
export interface WorkerSetup {
  /** Counts the calls under way: the process waits for them when it exits. */
  readonly guard: GuardMemory;
  /** The model's file, or its bytes; not read where a stack has all of it. */
  readonly model: string | Uint8Array;
  /** The model's convolutions, for our own kernels. */
  readonly stack?: StackPlan | undefined;
  readonly provider: Provider;
  readonly threads: number | undefined;
  readonly input: string;
  readonly output: string;
  /** [height, width] of an image. */
  readonly size: readonly [number, number];
  /** The model takes one image at a time. */
  readonly oneByOne: boolean;
}

export interface RunRequest {
  readonly id: number;
  /** [count, height, width, 3] */
  readonly images: Uint8Array;
  readonly count: number;
  /** The head that the features go through; default: none, they are the answer. */
  readonly head?: number | undefined;
  /** Shared memory that the answer's numbers are written to, where it has their size. */
  readonly into?: Float32Array<SharedArrayBuffer> | undefined;
}

/** A model of `features` to `probabilities`, which runs may name from then on. */
export interface AddHeadRequest {
  readonly id: number;
  /** What the head is called, until it is removed. */
  readonly add: number;
  readonly model: Uint8Array;
}

/** After the runs that were asked for before. It has no answer. */
export interface RemoveHeadRequest {
  readonly remove: number;
}

/** After `close` nothing more is asked. */
export type WorkerRequest = RunRequest | AddHeadRequest | RemoveHeadRequest | 'close';

/** `ready` comes once, after the session was made; then one answer a request that has an id. */
export type WorkerAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string }
  | {
      readonly type: 'result';
      readonly id: number;
      /** Undefined where they were written to `into`. */
      readonly data: Float32Array | undefined;
      /** Without the first dimension, N. */
      readonly shape: readonly number[];
    }
  | { readonly type: 'added'; readonly id: number }
  | { readonly type: 'error'; readonly id: number; readonly message: string };
