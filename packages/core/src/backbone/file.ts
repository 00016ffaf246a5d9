import type { LongOperationOptions, NoticeListener } from '../base/operation.ts';
import type {
  BackboneVariant,
  InputPreprocessing,
  Normalization,
  OutputChoice,
} from '../onnx/index.ts';
import type { Fit } from '../options/index.ts';

/** How images are brought to a backbone's size. */
export interface ImageSettings {
  readonly resize: 'nearest' | 'bilinear' | 'bicubic' | 'lanczos';
  readonly fit: Fit;
}

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
  /** How the maker of the model brings images to its size, where that is known. */
  readonly images?: ImageSettings | undefined;
  readonly layer?: string | undefined;
  /** The dense layer of a classifier that was cut off, with what followed it. */
  readonly cutLayer?: string | undefined;
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
export interface LocateOptions
  extends LongOperationOptions,
    Omit<BackboneVariant, 'preprocessing'>,
    OutputChoice {
  /** By name, as numbers, or the file of the model's maker that says it. */
  readonly preprocessing?: InputPreprocessing | Normalization | `${string}.json` | undefined;
  readonly onNotice?: NoticeListener | undefined;
  /** Where pulled and built backbones are. */
  readonly modelsDir: string;
}
