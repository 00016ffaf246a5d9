import type { LongOperationOptions } from '../base/operation.ts';
import type { BackboneVariant } from '../onnx/index.ts';

/** A backbone model on disk, in the form of our own. */
export interface BackboneFile {
  readonly path: string;
  readonly sha256: string;
  /** `vgg16`, `vgg16-untrained`, or the file's base name. */
  readonly name: string;
  /** Its weights are random. */
  readonly untrained: boolean;
  readonly preprocessing: string;
  readonly layer?: string | undefined;
  /** `float32` or `int8`. */
  readonly precision: string;
  /** Where the weights are from. */
  readonly source?: string | undefined;
}

/** What is undefined is as the backbone itself has it. */
export interface LocateOptions extends LongOperationOptions, BackboneVariant {
  /** Where pulled and built backbones are. */
  readonly modelsDir: string;
}
