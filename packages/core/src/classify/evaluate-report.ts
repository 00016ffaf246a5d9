import type { NoticeListener, OperationOptions } from '../base/operation.ts';
import type { SkippedFile } from '../dataset/index.ts';
import type { Evaluation, Selective } from '../evaluate/index.ts';
import type { FeatureSet } from '../features/index.ts';
import {
  picturesOfMistakes,
  type Run,
  readRunWeights,
  writeEvaluationReport,
} from '../run/index.ts';

interface Reported {
  /** Of the samples, where they are at hand: then there are heat maps. */
  readonly features?: FeatureSet | undefined;
  /** A feature file does not record where its images are. */
  readonly fromImages: boolean;
  readonly skipped: readonly SkippedFile[];
}

interface Measured {
  readonly evaluation: Evaluation;
  readonly selective: Selective | undefined;
}

interface ReportOptions extends OperationOptions {
  readonly run: string;
  readonly data: string;
  /** The folder that names of samples are relative to. */
  readonly root: string;
  readonly onNotice?: NoticeListener | undefined;
}

/** Writes the report on an evaluation; with pictures where the data is a folder of images. */
export async function writeReport(
  path: string,
  run: Run,
  { features, skipped, fromImages }: Reported,
  { evaluation, selective }: Measured,
  { run: folder, data, root, signal, onNotice }: ReportOptions,
): Promise<void> {
  const { head, image: input } = run.record;
  const pictures =
    input && fromImages
      ? await picturesOfMistakes(evaluation, {
          root,
          features,
          head,
          weights: await readRunWeights(run),
          input,
          signal,
        })
      : new Map();
  const { record } = run;
  await writeEvaluationReport(path, {
    record,
    run: folder,
    data,
    evaluation,
    selective,
    skipped,
    pictures,
    signal,
    onNotice,
  });
}
