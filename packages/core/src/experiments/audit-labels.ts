import { join } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { csvText } from '../base/csv.ts';
import { makeOutputFolder } from '../base/output-folder.ts';
import { readCorrections, type Sample } from '../dataset/index.ts';
import { describeTrainer } from '../head/index.ts';
import { auditOptions, type OptionsOf, settleOptions } from '../options/index.ts';
import { auditItems, outliersOf, suspiciousOf } from './audit-items.ts';
import { auditPage } from './audit-page.ts';
import {
  announceHeads,
  type ExperimentTrainingOptions,
  openExperimentTraining,
} from './cross-validate.ts';
import {
  allImages,
  type ExperimentData,
  type ExperimentDataOptions,
  openExperimentData,
} from './experiment-data.ts';
import { chooseExperimentFolder } from './experiment-folder.ts';
import { type AuditResult, auditImages } from './label-issues.ts';

export interface AuditLabelsOptions
  extends ExperimentDataOptions,
    ExperimentTrainingOptions,
    OptionsOf<typeof auditOptions> {
  /** Folder of images. */
  readonly data: string;
  /** Shown on the page: the command that trains with the corrections that it saves. */
  readonly nextCommand?: string | undefined;
}

export interface AuditedFile {
  readonly file: string;
  readonly label: string;
}

/** What an audit finds. */
export interface AuditLabelsResult {
  readonly data: string;
  readonly out: string;
  readonly page: string;
  readonly classes: readonly string[];
  readonly images: number;
  /** Share of labels that the heads agree with. */
  readonly agreement: number;
  /** The most suspicious first. */
  readonly suspicious: readonly (AuditedFile & {
    readonly hash: string;
    readonly suggested: string;
    readonly labelProbability: number;
    readonly suggestedProbability: number;
  })[];
  readonly outliers: readonly (AuditedFile & { readonly distance: number })[];
  readonly nearDuplicates: readonly {
    readonly similarity: number;
    readonly files: readonly [AuditedFile, AuditedFile];
  }[];
  /** Estimated number of labels of each class (row) that are really of each other. */
  readonly joint: readonly (readonly number[])[];
  readonly device: { readonly features: string | null; readonly training: string };
  readonly features: { readonly computed: number; readonly reused: number };
  readonly trainSeconds: number;
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

const files = {
  page: 'audit.html',
  images: 'audit.csv',
  duplicates: 'near-duplicates.csv',
} as const;

/**
 * Looks for wrong labels, outliers and near duplicates among all images of a folder, and writes a
 * page to go through them. Images that `corrections` decide about are audited as corrected, and not
 * shown again.
 *
 * @throws HeadstartError for everything that can be wrong with the input; `signal.reason` where aborted
 * @example
 * ```ts
 * const { page } = await auditLabels({ data: 'fruit', backbone: 'vgg16' });
 * ```
 */
export async function auditLabels(options: AuditLabelsOptions): Promise<AuditLabelsResult> {
  const { folds, seeds, similarity } = settleOptions(auditOptions, options);
  const { signal, onProgress } = options;
  const ours = [...Object.values(files), 'corrections.csv'];
  const folder = await chooseExperimentFolder('audits', options.data, options.out, ours);
  const plain = {
    ...options,
    augment: undefined,
    head: options.head ?? 'linear',
    earlyStopping: options.earlyStopping ?? { monitor: 'val_loss' as const, patience: 5 },
  };
  const training = await openExperimentTraining(plain);
  const { corrections } = options;
  const earlier = corrections === undefined ? undefined : await readCorrections(corrections);
  await using _ = { [Symbol.asyncDispose]: await makeOutputFolder(folder) };
  await using data = await openExperimentData(plain, allImages);
  announceHeads(training, options);
  const seed = options.seed ?? 0;
  const audit = await auditImages({
    ...training,
    images: data.images,
    folds,
    repeats: seeds,
    seed,
    similarity,
    signal,
    onProgress,
  });
  const shown = withoutDecided(audit, data, new Set(earlier?.byHash.keys()));
  const result = describe(folder, options, data, shown, training.backend);
  await writeTables(folder, data, audit);
  const items = await auditItems(shown, data, options);
  const page = auditPage({
    data: options.data,
    classes: data.images.classes,
    items,
    earlier: [...(earlier?.byHash.values() ?? [])],
    images: audit.images.length,
    suspicious: result.suspicious.length,
    outliers: result.outliers.length,
    nearDuplicates: result.nearDuplicates.length,
    joint: audit.joint,
    nextCommand: options.nextCommand,
  });
  await writeFileAtomically(join(folder, files.page), page);
  return result;
}

/** @param decided contents that somebody has looked at already */
function withoutDecided(
  audit: AuditResult,
  { files: samples }: ExperimentData,
  decided: ReadonlySet<string>,
): AuditResult {
  const open = (i: number) => !decided.has((samples[i] as Sample).hash);
  return {
    ...audit,
    images: audit.images.filter(({ index }) => open(index)),
    nearDuplicates: audit.nearDuplicates.filter(({ first, second }) => open(first) || open(second)),
  };
}

function describe(
  out: string,
  options: AuditLabelsOptions,
  data: ExperimentData,
  audit: AuditResult,
  backend: 'cpu' | 'cuda',
): AuditLabelsResult {
  const { classes } = data.images;
  const named = (i: number): AuditedFile => {
    const { name, label } = data.files[i] as Sample;
    return { file: name, label: classes[label] as string };
  };
  return {
    data: options.data,
    out,
    page: join(out, files.page),
    classes,
    images: data.files.length,
    agreement: audit.agreement,
    suspicious: suspiciousOf(audit).map((one) => ({
      ...named(one.index),
      hash: (data.files[one.index] as Sample).hash,
      suggested: classes[one.suggested] as string,
      labelProbability: one.labelProbability,
      suggestedProbability: one.suggestedProbability,
    })),
    outliers: outliersOf(audit).map(({ index, distance }) => ({ ...named(index), distance })),
    nearDuplicates: audit.nearDuplicates.map(({ first, second, similarity }) => ({
      similarity,
      files: [named(first), named(second)],
    })),
    joint: audit.joint,
    device: {
      features: data.extractor?.backbone.device ?? null,
      training: describeTrainer(backend, options.compute ?? 'fp32'),
    },
    features: data.counts,
    trainSeconds: audit.trainSeconds,
    skipped: data.skipped.map(({ path, reason }) => ({ file: path, reason })),
  };
}

async function writeTables(
  folder: string,
  data: ExperimentData,
  audit: AuditResult,
): Promise<void> {
  const { classes } = data.images;
  const sample = (i: number) => data.files[i] as Sample;
  const rows = audit.images.map((one, rank) => [
    rank + 1,
    sample(one.index).name,
    sample(one.index).hash,
    classes[one.label],
    classes[one.suggested],
    one.labelProbability,
    one.suggestedProbability,
    one.suspicious ? 'true' : 'false',
    one.distance,
    one.outlier ? 'true' : 'false',
  ]);
  const probabilities = ['label_probability', 'suggested_probability', 'suspicious'];
  const columns = ['rank', 'file', 'hash', 'label', 'suggested', ...probabilities];
  const header = { header: true, columns: [...columns, 'distance', 'outlier'] };
  await writeFileAtomically(join(folder, files.images), csvText(rows, header));
  const pairs = audit.nearDuplicates.map(({ first, second, similarity }) => [
    similarity,
    ...[first, second].flatMap((i) => [sample(i).name, classes[sample(i).label]]),
  ]);
  const pairColumns = ['similarity', 'file', 'label', 'other_file', 'other_label'];
  await writeFileAtomically(
    join(folder, files.duplicates),
    csvText(pairs, { header: true, columns: pairColumns }),
  );
}
