import { stat } from 'node:fs/promises';
import {
  type BackboneFile,
  chooseProvider,
  describeFile,
  halfPath,
  locateBackbone,
  quantizedPath,
} from '../backbone/index.ts';
import { checkWritable } from '../base/atomic-file.ts';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { imagesRoot, isTable, type Sample, type SkippedFile } from '../dataset/index.ts';
import {
  type ConfusionMatrix,
  evaluateClassification,
  type Metrics,
  type Rejection,
  type ReliabilityBin,
  type Selective,
  selectiveScores,
  withTemperature,
  worstMistakes,
} from '../evaluate/index.ts';
import {
  backboneChoice,
  type ExtractorOptions,
  type FeatureSet,
  openExtractor,
  readFeatureFile,
} from '../features/index.ts';
import { predictHead } from '../head/index.ts';
import {
  type backboneOptions,
  checkOptions,
  evaluateOptions,
  type OptionsOf,
  type resizeOptions,
} from '../options/index.ts';
import { optionsOfRun, type Run, readRun, readRunWeights, verifyRun } from '../run/index.ts';
import { writeReport } from './evaluate-report.ts';
import {
  type EvaluatedData,
  relabel,
  samplesToEvaluate,
  tableOptionsFor,
} from './evaluated-samples.ts';
import { loadClassifier } from './load.ts';

export interface EvaluateOptions
  extends EvaluatedData,
    Omit<
      ExtractorOptions,
      keyof typeof backboneOptions | keyof typeof resizeOptions | 'untrainedWhereMissing'
    >,
    OptionsOf<Omit<typeof evaluateOptions, 'split'>> {
  /** Run folder. */
  readonly run: string;
  /** Labelled folder, folder with `train/` and other splits, table, or feature file. */
  readonly data: string;
}

/** What `evaluate --json` prints. */
export interface EvaluateResult {
  readonly run: string;
  readonly data: string;
  readonly metrics: Metrics;
  readonly confusion: ConfusionMatrix;
  /** Bins of confidence, of the calibrated probabilities. */
  readonly reliability: readonly ReliabilityBin[];
  /** Where `threshold` or `maxError` was given. */
  readonly selective?: Selective;
  /** The surest wrong predictions, the surest first. */
  readonly mistakes: readonly Mistake[];
  readonly skipped: readonly SkippedFile[];
}

/** A wrong prediction, with its classes by name. */
export interface Mistake {
  readonly file: string;
  readonly label: string;
  readonly predicted: string;
  /** Of the predicted class. */
  readonly probability: number;
  readonly labelProbability: number;
}

/** Labelled samples with what the run makes of them: [samples x classes]. */
interface PredictedSamples extends AsyncDisposable {
  readonly samples: readonly { readonly name: string; readonly label: number }[];
  /** Before the run's temperature. */
  readonly probabilities: Float32Array;
  /** Where they were at hand, until this is disposed of. */
  readonly features?: FeatureSet | undefined;
  readonly fromImages: boolean;
  readonly skipped: readonly SkippedFile[];
}

/**
 * Measures a run on labelled data.
 *
 * @throws HeadstartError `RUN_INVALID`, `DATA_LAYOUT`, `FEATURE_FILE_INVALID`, …
 * @example
 * ```ts
 * const { metrics } = await evaluate({ run: 'runs/fruit', data: 'fruit-test' });
 * console.log(metrics.accuracy, metrics.interval);
 * ```
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluateResult> {
  checkOptions(evaluateOptions, options);
  const rejection = rejectionOf(options);
  const run = await readRun(options.run);
  await verifyRun(run);
  const { classes } = run.record;
  if (options.report !== undefined) await checkWritable(options.report);
  const { data } = options;
  await using predicted =
    (await isFile(data)) && !isTable(data)
      ? await predictFeatureFile(run, options)
      : await predictFolder(run, options);
  if (predicted.samples.length === 0) {
    throw new HeadstartError('DATA_LAYOUT', `None of the images of ${options.data} could be read.`);
  }
  const evaluation = evaluateClassification({
    probabilities: predicted.probabilities,
    temperature: run.record.calibration?.temperature,
    labels: Int32Array.from(predicted.samples, ({ label }) => label),
    names: predicted.samples.map(({ name }) => name),
    classes,
  });
  const { metrics, confusion, reliability, predictions } = evaluation;
  const selective = rejection && selectiveScores(predictions, rejection);
  if (options.report !== undefined) {
    const root = imagesRoot(data, tableOptionsFor(run, options));
    const measured = { evaluation, selective };
    await writeReport(options.report, run, predicted, measured, { ...options, root });
  }
  const worst = worstMistakes(predictions, options.mistakes ?? 10);
  return {
    run: options.run,
    data: options.data,
    metrics,
    confusion,
    reliability,
    ...(selective && { selective }),
    mistakes: worst.map(({ name, label, predicted, ...probabilities }) => ({
      file: name,
      label: classes[label] as string,
      predicted: classes[predicted] as string,
      ...probabilities,
    })),
    skipped: predicted.skipped,
  };
}

/** @throws HeadstartError `USAGE` */
function rejectionOf({ threshold, maxError }: EvaluateOptions): Rejection | undefined {
  if (threshold !== undefined && maxError !== undefined) {
    throw new HeadstartError('USAGE', 'Give either `threshold` or `maxError`.', {
      option: 'maxError',
    });
  }
  if (maxError !== undefined) return { maxError };
  return threshold === undefined ? undefined : { threshold };
}

const nothingOpen = { [Symbol.asyncDispose]: async () => {} };

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    throw new HeadstartError('DATA_LAYOUT', `Cannot read ${path}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

async function predictFeatureFile(run: Run, options: EvaluateOptions) {
  const { data, threads, signal } = options;
  if (options.corrections !== undefined) {
    throw new HeadstartError('USAGE', `${data} is a feature file: corrections are for folders.`);
  }
  const file = await readFeatureFile(data);
  const labels = relabel(file.classes, run, data);
  const samples = file.set.samples.map((sample) => ({
    ...sample,
    label: labels[sample.label] as number,
  }));
  const features = file.set;
  const probabilities = await predictFeatures(run, features, { threads, signal });
  return { samples, probabilities, fromImages: false, skipped: [], ...nothingOpen };
}

async function predictFeatures(
  run: Run,
  features: FeatureSet,
  options: Pick<ExtractorOptions, 'threads' | 'signal'>,
): Promise<Float32Array> {
  const weights = await readRunWeights(run);
  return predictHead({ ...options, features, head: run.record.head, weights });
}

async function predictFolder(run: Run, options: EvaluateOptions): Promise<PredictedSamples> {
  const { samples, skipped } = await samplesToEvaluate(run, options);
  const backbone = await backboneOf(run, options);
  if (!backbone) return predictByModel(samples, skipped, options);
  const { image } = run.record;
  const extractor = await openExtractor(
    {
      ...options,
      backbone: backboneSpec(run),
      ...recordedVariant(run),
      resize: image?.resize,
      fit: image?.fit,
      precision: optionsOfRun(run.record).precision,
    },
    async () => samples,
  );
  try {
    const extraction = await extractor.extract(samples, () => [undefined], 'features');
    return {
      samples: extraction.set.samples,
      features: extraction.set,
      probabilities: await predictFeatures(run, extraction.set, options),
      fromImages: true,
      skipped: [...skipped, ...extraction.skipped],
      [Symbol.asyncDispose]: () => extractor[Symbol.asyncDispose](),
    };
  } catch (error) {
    await extractor[Symbol.asyncDispose]();
    throw error;
  }
}

/** The run's backbone, where its very file is still here; its features may be in the cache. */
async function backboneOf(
  run: Run,
  { modelsDir, device, signal }: EvaluateOptions,
): Promise<BackboneFile | undefined> {
  const { record } = run;
  const spec = backboneSpec(run);
  if (spec === undefined || !record.backbone) return undefined;
  try {
    const directory = modelsDir ?? defaultDirectories().modelsDir;
    const exact = await locateBackbone(spec, {
      modelsDir: directory,
      ...backboneChoice(recordedVariant(run)),
      signal,
    });
    const found = await inRecordedPrecision(exact, record.backbone.precision, directory, device);
    return found.sha256 === record.backbone.sha256 ? found : undefined;
  } catch (error) {
    if (error instanceof HeadstartError) return undefined;
    throw error;
  }
}

/** The file that was made of the backbone for the run. Features in fp16 are the GPU's. */
async function inRecordedPrecision(
  exact: BackboneFile,
  precision: string | undefined,
  modelsDir: string,
  device: ExtractorOptions['device'],
): Promise<BackboneFile> {
  if (precision === 'int8') return describeFile(quantizedPath(exact, modelsDir));
  if (precision !== 'float16') return exact;
  chooseProvider({ device, requireGpu: true });
  return describeFile(halfPath(exact, modelsDir));
}

/** In what the run's backbone differs from the one of its name. */
function recordedVariant({ record }: Run) {
  const options = optionsOfRun(record);
  const { preprocess, mean, std, scale, layer, imageSize, output, tokens, cutClassifier } = options;
  return { preprocess, mean, std, scale, layer, imageSize, output, tokens, cutClassifier };
}

/** What named the backbone, which may have been the stand-in for one that was not there. */
function backboneSpec({ record }: Run): string {
  if (record.backbone?.name === 'vgg16-untrained') return record.backbone.name;
  return optionsOfRun(record).backbone ?? 'vgg16';
}

/** Without the backbone's file: the run's own model, on every image. */
async function predictByModel(
  samples: readonly Sample[],
  skipped: readonly SkippedFile[],
  options: EvaluateOptions,
): Promise<PredictedSamples> {
  options.onNotice?.({
    level: 'info',
    text: 'The run’s backbone is not here: its model.onnx is used, without the feature cache.',
  });
  await using classifier = await loadClassifier(options.run, options);
  const { classes } = classifier;
  const predicted: Sample[] = [];
  const rows: number[] = [];
  const unreadable: SkippedFile[] = [];
  let done = 0;
  const paths = samples.map(({ path }) => path);
  for await (const item of classifier.classify(paths, { signal: options.signal })) {
    const sample = samples[done++] as Sample;
    options.onProgress?.({ stage: 'evaluating', done, total: samples.length, unit: 'images' });
    if ('error' in item) {
      unreadable.push({ path: sample.path, reason: item.reason });
      continue;
    }
    predicted.push(sample);
    const byClass = new Map(item.ranking.map(({ label, probability }) => [label, probability]));
    rows.push(...classes.map((name) => byClass.get(name) as number));
  }
  // The model has the temperature inside: what was before it is wanted here.
  const temperature = classifier.record.calibration?.temperature ?? 1;
  return {
    samples: predicted,
    probabilities: withTemperature(Float32Array.from(rows), classes.length, 1 / temperature),
    fromImages: true,
    skipped: [...skipped, ...unreadable],
    ...nothingOpen,
  };
}
