import { expectedCalibrationError, type ReliabilityBin, reliabilityBins } from './calibration.ts';
import { at, type Classification, predictedClasses } from './classification.ts';
import { type ConfusionMatrix, confusionMatrix } from './confusion.ts';
import {
  type ClassScore,
  classScores,
  logLoss,
  type MeanScore,
  meanScores,
  topKAccuracy,
  totals,
  wilsonInterval,
} from './metrics.ts';

/** What `metrics.json` holds. */
export interface Metrics {
  readonly samples: number;
  readonly accuracy: number;
  /** Wilson's 95 % interval of the accuracy. */
  readonly interval: readonly [number, number];
  readonly logLoss: number;
  /** Expected calibration error over 15 bins. */
  readonly calibrationError: number;
  readonly topK: readonly { readonly k: number; readonly accuracy: number }[];
  /** Means over the classes that have samples. */
  readonly macro: MeanScore;
  readonly weighted: MeanScore;
  readonly classes: readonly (ClassScore & { readonly name: string })[];
}

/** What was said about one sample. */
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
  readonly predictions: readonly SamplePrediction[];
}

export interface EvaluateOptions {
  /** [samples x classes] */
  readonly probabilities: Float32Array;
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
  const { probabilities, labels, names, classes } = options;
  const classification: Classification = { probabilities, labels, classes: classes.length };
  const confusion = confusionMatrix(classification);
  const reliability = reliabilityBins(classification);
  const { correct, total } = totals(confusion);
  const scores = classScores(confusion);
  const metrics: Metrics = {
    samples: total,
    accuracy: correct / total,
    interval: wilsonInterval(correct, total),
    logLoss: logLoss(classification),
    calibrationError: expectedCalibrationError(reliability),
    topK: topKs
      .filter((k) => k < classes.length)
      .map((k) => ({ k, accuracy: topKAccuracy(classification, k) })),
    ...meanScores(scores),
    classes: scores.map((score, k) => ({ name: classes[k] as string, ...score })),
  };
  return { metrics, confusion, reliability, predictions: predictionsOf(classification, names) };
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
