import { join } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError } from '../base/errors.ts';
import { makeOutputFolder } from '../base/output-folder.ts';
import { plural } from '../base/plural.ts';
import { type FeatureSet, inGroups, readFeatureFile } from '../features/index.ts';
import { defaultHead, describeTrainer } from '../head/index.ts';
import { learningCurveOptions, type OptionsOf, settleOptions } from '../options/index.ts';
import { html, pageDocument, table, trusted } from '../page/index.ts';
import {
  announceHeads,
  type ExperimentTrainingOptions,
  openExperimentTraining,
} from './cross-validate.ts';
import { learningCurveSvg } from './curve-plot.ts';
import { curvePoints, type LearningCurve } from './curve-points.ts';
import { type ExperimentDataOptions, openExperimentData } from './experiment-data.ts';
import { chooseExperimentFolder } from './experiment-folder.ts';

export interface LearningCurveOptions
  extends ExperimentDataOptions,
    ExperimentTrainingOptions,
    OptionsOf<Omit<typeof learningCurveOptions, 'features'>> {}

/** Accuracy by number of images, measured and predicted. */
export interface LearningCurveResult {
  readonly data: string;
  readonly out: string;
  readonly head: string;
  readonly classes: readonly string[];
  readonly validationImages: number;
  readonly seeds: number;
  readonly sizes: readonly {
    readonly images: number;
    /** Mean over seeds. */
    readonly accuracy: number;
    readonly accuracies: readonly number[];
  }[];
  /** error(n) = a * n^-b + c */
  readonly powerLaw: { readonly a: number; readonly b: number; readonly c: number };
  readonly predictions: readonly {
    readonly images: number;
    readonly accuracy: number;
    readonly interval: readonly [number, number];
    /** Accuracy minus that of the law at the images there are. */
    readonly gain: number;
  }[];
  readonly device: { readonly features: string | null; readonly training: string };
  readonly features: { readonly computed: number; readonly reused: number };
  readonly trainSeconds: number;
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

const files = {
  json: 'learning-curve.json',
  plot: 'learning-curve.svg',
  page: 'learning-curve.html',
} as const;

/**
 * Accuracy against the number of training images, and what more of them would give.
 *
 * @throws HeadstartError for everything that can be wrong with the input; `signal.reason` where aborted
 * @example
 * ```ts
 * const result = await learningCurve({ data: 'fruit', backbone: 'vgg16' });
 * ```
 */
export async function learningCurve(options: LearningCurveOptions): Promise<LearningCurveResult> {
  const { seeds, sizes } = settleOptions(learningCurveOptions, options);
  const { signal, onProgress } = options;
  const source = options.data ?? options.features ?? '';
  const ours = Object.values(files);
  const folder = await chooseExperimentFolder('learning-curves', source, options.out, ours);
  const training = await openExperimentTraining(options);
  await using _ = { [Symbol.asyncDispose]: await makeOutputFolder(folder) };
  const validating = new Set<string>();
  await using data = await openExperimentData(
    options,
    ({ train, validation }) => {
      for (const { path } of validation) validating.add(path);
      return [...train, ...validation];
    },
    ({ path }) => validating.has(path),
  );
  const { train, validation } = await parts(data, validating, options);
  const classes = data.images.classes;
  announceHeads(training, options);
  const curve = await curvePoints({
    ...training,
    images: { set: train, classes },
    validation,
    repeats: seeds,
    sizes,
    signal,
    onProgress,
  });
  const result: LearningCurveResult = {
    data: source,
    out: folder,
    head: (training.head ?? defaultHead(train.shape)).name,
    classes,
    validationImages: validation.samples.length,
    seeds,
    sizes: curve.sizes,
    powerLaw: curve.law,
    predictions: curve.predictions.map((one) => ({ ...one, gain: one.accuracy - curve.fitted })),
    device: {
      features: data.extractor?.backbone.device ?? null,
      training: describeTrainer(training.backend, options.compute ?? 'fp32'),
    },
    features: data.counts,
    trainSeconds: curve.trainSeconds,
    skipped: data.skipped.map(({ path, reason }) => ({ file: path, reason })),
  };
  await writeAll(folder, result, curve);
  return result;
}

/** Training and validation images: of one extraction, or of two feature files. */
async function parts(
  data: Awaited<ReturnType<typeof openExperimentData>>,
  validating: ReadonlySet<string>,
  options: LearningCurveOptions,
): Promise<{ readonly train: FeatureSet; readonly validation: FeatureSet }> {
  const { set, classes } = data.images;
  if (options.data !== undefined) {
    const side = (inside: boolean) => ({
      ...set,
      samples: set.samples.filter(
        (_, i) => validating.has(data.files[i]?.path as string) === inside,
      ),
    });
    return { train: side(false), validation: side(true) };
  }
  if (options.validationFeatures === undefined) {
    throw new HeadstartError(
      'USAGE',
      'Give `validationFeatures` beside `features`: what to measure on.',
      { option: 'validationFeatures' },
    );
  }
  const file = await readFeatureFile(options.validationFeatures);
  if (file.classes.join('\n') !== classes.join('\n')) {
    throw new HeadstartError(
      'FEATURE_FILE_INVALID',
      `${options.features} and ${options.validationFeatures} are of different classes: ${classes.join(', ')} and ${file.classes.join(', ')}.`,
    );
  }
  return { train: set, validation: inGroups(file.set, options.groupBy) };
}

async function writeAll(
  folder: string,
  result: LearningCurveResult,
  curve: LearningCurve,
): Promise<void> {
  const plot = await learningCurveSvg(curve);
  await writeFileAtomically(join(folder, files.plot), plot);
  await writeFileAtomically(join(folder, files.json), curveFile(result));
  await writeFileAtomically(join(folder, files.page), page(result, plot));
}

/** What `learning-curve.json` holds. */
function curveFile(result: LearningCurveResult): string {
  const { validationImages, powerLaw, trainSeconds } = result;
  const { data, out, head, classes, seeds, sizes, predictions, device, features, skipped } = result;
  const measured = { data, out, head, classes, validation_images: validationImages, seeds, sizes };
  const predicted = { power_law: powerLaw, predictions };
  const work = { device, features, train_s: trainSeconds, skipped };
  return `${JSON.stringify({ ...measured, ...predicted, ...work }, null, 2)}\n`;
}

function page(result: LearningCurveResult, plot: string): string {
  const { data, sizes, predictions, seeds, validationImages: images } = result;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const number = (title: string) => ({ title, numeric: true });
  const measured = sizes.map(({ images: n, accuracy, accuracies }) => [
    n.toLocaleString('en'),
    percent(accuracy),
    `${percent(Math.min(...accuracies))} to ${percent(Math.max(...accuracies))}`,
  ]);
  const ahead = predictions.map(({ images: n, accuracy, interval: [low, high], gain }) => [
    n.toLocaleString('en'),
    percent(accuracy),
    `${percent(low)} to ${percent(high)}`,
    `${(100 * gain).toFixed(1)}`,
  ]);
  const body = html`<figure>${trusted(plot)}</figure>
<section><h2>With more images</h2>
<p>By a power law through what was measured. The farther ahead, the less certain it is.</p>
${table(
  'Expected accuracy',
  [
    number('Training images'),
    number('Accuracy'),
    { title: '95 % interval' },
    number('Gain, points'),
  ],
  ahead,
)}</section>
<section><h2>Measured</h2>
${table(
  `On ${plural(images, 'validation image')}, ${plural(seeds, 'seed')}`,
  [number('Training images'), number('Accuracy, mean'), { title: 'Least to most' }],
  measured,
)}</section>`;
  return pageDocument({ title: `Learning curve of ${data}`, body });
}
