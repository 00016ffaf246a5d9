import type { LongOperationOptions } from '../base/operation.ts';
import type { BackboneVariant, OutputChoice } from '../onnx/index.ts';

/** A backbone model on disk, in the form of our own. */
export interface BackboneFile {
  readonly path: string;
  /** The file that the user named, where this one was made of it: messages name it. */
  readonly origin?: string | undefined;
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

/** What messages call a backbone: the file that the user named. */
export function shownName({ origin, path }: Pick<BackboneFile, 'origin' | 'path'>): string {
  return origin ?? path;
}

/** What is undefined is as the backbone itself has it. */
export interface LocateOptions extends LongOperationOptions, BackboneVariant, OutputChoice {
  /** Where pulled and built backbones are. */
  readonly modelsDir: string;
}
