import { expectedCalibrationError, type ReliabilityBin, reliabilityBins } from './calibration.ts';
import { at, type Classification, predictedClasses } from './classification.ts';
import { type ConfusionMatrix, confusionMatrix } from './confusion.ts';
import {
  brierScore,
  type ClassScore,
  classScores,
  logLoss,
  type MeanScore,
  meanScores,
  topKAccuracy,
  totals,
  wilsonInterval,
} from './metrics.ts';
import { rocAreas } from './roc.ts';
import { withTemperature } from './temperature.ts';

/** What `metrics.json` holds. */
export interface Metrics {
  readonly samples: number;
  readonly accuracy: number;
  /** Wilson's 95 % interval of the accuracy. */
  readonly interval: readonly [number, number];
  /** Of the calibrated probabilities, which `predict` gives. */
  readonly logLoss: number;
  /** Likewise; 0 to 2. */
  readonly brierScore: number;
  /** Likewise; expected calibration error over 15 bins. */
  readonly calibrationError: number;
  /** What the head's logits are divided by; 1 where the run was not calibrated. */
  readonly temperature: number;
  /** The same figures before that: of the probabilities that training's loss is about. */
  readonly uncalibrated: {
    readonly logLoss: number;
    readonly brierScore: number;
    readonly calibrationError: number;
  };
  /** Area under the ROC curve, mean over the classes that have one; null where none has. */
  readonly rocAuc: number | null;
  readonly topK: readonly { readonly k: number; readonly accuracy: number }[];
  /** Means over the classes that have samples. */
  readonly macro: MeanScore;
  readonly weighted: MeanScore;
  readonly classes: readonly (ClassScore & {
    readonly name: string;
    /** Of this class against the rest; null where all samples are of it, or none. */
    readonly rocAuc: number | null;
  })[];
}

/** The prediction for one sample. */
export interface SamplePrediction {
  readonly name: string;
  readonly label: number;
  readonly predicted: number;
  /** Of the predicted class. */
  readonly probability: number;
  readonly labelProbability: number;
}

export interface Evaluation {
  readonly metrics: Metrics;
  readonly confusion: ConfusionMatrix;
  readonly reliability: readonly ReliabilityBin[];
  /** Before the temperature. */
  readonly uncalibratedReliability: readonly ReliabilityBin[];
  readonly predictions: readonly SamplePrediction[];
}

export interface EvaluateOptions {
  /** [samples x classes], before any temperature. */
  readonly probabilities: Float32Array;
  /** What the run is calibrated with; default 1. */
  readonly temperature?: number | undefined;
  readonly labels: Int32Array;
  /** Sample names, in order. */
  readonly names: readonly string[];
  /** Class names, by label. */
  readonly classes: readonly string[];
}

const topKs = [1, 3, 5];

/**
 * Everything that is measured on labelled samples.
 *
 * @throws HeadstartError `USAGE` where there are none
 */
export function evaluateClassification(options: EvaluateOptions): Evaluation {
  const { names, classes, temperature = 1 } = options;
  const raw: Classification = { ...options, classes: classes.length };
  const probabilities = withTemperature(raw.probabilities, raw.classes, temperature);
  const classification = { ...raw, probabilities };
  const confusion = confusionMatrix(classification);
  const { correct, total } = totals(confusion);
  const scores = classScores(confusion);
  const areas = rocAreas(classification);
  const metrics: Metrics = {
    samples: total,
    accuracy: correct / total,
    interval: wilsonInterval(correct, total),
    ...probabilityScores(classification),
    temperature,
    uncalibrated: probabilityScores(raw),
    rocAuc: meanOf(areas),
    topK: topKs
      .filter((k) => k < classes.length)
      .map((k) => ({ k, accuracy: topKAccuracy(classification, k) })),
    ...meanScores(scores),
    classes: scores.map((score, k) => ({
      name: classes[k] as string,
      ...score,
      rocAuc: areas[k] as number | null,
    })),
  };
  const reliability = reliabilityBins(classification);
  const predictions = predictionsOf(classification, names);
  return {
    metrics,
    confusion,
    reliability,
    uncalibratedReliability: reliabilityBins(raw),
    predictions,
  };
}

function probabilityScores(classification: Classification): Metrics['uncalibrated'] {
  return {
    logLoss: logLoss(classification),
    brierScore: brierScore(classification),
    calibrationError: expectedCalibrationError(reliabilityBins(classification)),
  };
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
}

function predictionsOf(
  classification: Classification,
  names: readonly string[],
): SamplePrediction[] {
  const { probabilities, labels, classes } = classification;
  return Array.from(predictedClasses(classification), (predicted, i) => ({
    name: names[i] as string,
    label: at(labels, i),
    predicted,
    probability: at(probabilities, i * classes + predicted),
    labelProbability: at(probabilities, i * classes + at(labels, i)),
  }));
}

/** The wrong predictions, the surest first; equally sure ones in the order given. */
export function worstMistakes(
  predictions: readonly SamplePrediction[],
  count: number,
): SamplePrediction[] {
  return predictions
    .filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}

/** Classes for people to read: all in their order, or of more than `most` those with the lowest F1. */
export function hardestClasses(classes: Metrics['classes'], most: number): Metrics['classes'] {
  if (classes.length <= most) return classes;
  return [...classes].sort((a, b) => (a.f1 ?? 2) - (b.f1 ?? 2)).slice(0, most);
}
