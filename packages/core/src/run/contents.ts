import type { NoticeListener, OperationOptions } from '../base/operation.ts';
import type { SkippedFile } from '../dataset/index.ts';
import type { Evaluation } from '../evaluate/index.ts';
import type { EpochRecord, HeadWeights } from '../head/index.ts';
import type { MistakePictures } from './mistake-pictures.ts';
import type { RunRecord } from './record.ts';

/** What a run folder is written from. */
export interface RunContents extends OperationOptions {
  readonly record: Omit<RunRecord, 'format' | 'version' | 'files'>;
  readonly weights: HeadWeights;
  readonly history: readonly EpochRecord[];
  /** Of the kept weights, over the whole validation set. */
  readonly evaluation: Evaluation;
  /** SHA-256 of each validation image's file, in order, where they are known. */
  readonly hashes?: readonly (string | undefined)[] | undefined;
  readonly skipped: readonly SkippedFile[];
  /** Makes the report's pictures of mistakes, by sample name. */
  readonly pictures?: (() => Promise<ReadonlyMap<string, MistakePictures>>) | undefined;
  /** The backbone's ONNX file; without it there is no `model.onnx`. */
  readonly backbonePath?: string | undefined;
  /** Gets a warning for each plot, and for the report, that cannot be made. */
  readonly onNotice?: NoticeListener | undefined;
}
