import type { OperationOptions } from '../base/operation.ts';
import { inFloat32, pooledSet } from '../features/index.ts';
import { confidentLabels, type Predictions } from './confident.ts';
import { type ExperimentHeadsOptions, plainSet } from './heads.ts';
import { type Neighbours, nearestNeighbours, unitVectors } from './neighbours.ts';
import { type FoldPlanOptions, outOfFold } from './out-of-fold.ts';

export interface AuditOptions
  extends Omit<ExperimentHeadsOptions, 'heads' | 'stage' | 'seed'>,
    FoldPlanOptions {
  /** Cosine similarity from which two images count as near duplicates. */
  readonly similarity: number;
}

/** The audit's result for one image. */
export interface AuditedImage {
  /** Its place in the set. */
  readonly index: number;
  /** The label that it has. */
  readonly label: number;
  /** The most probable other class. */
  readonly suggested: number;
  /** Probability of its label, by heads that were not trained on it. */
  readonly labelProbability: number;
  readonly suggestedProbability: number;
  /** Its label is taken for wrong. */
  readonly suspicious: boolean;
  /** Mean cosine distance to its nearest neighbours. */
  readonly distance: number;
  /** It is like no other image. */
  readonly outlier: boolean;
}

/** Two images that are nearly the same to the backbone. */
export interface NearDuplicates {
  readonly first: number;
  readonly second: number;
  readonly similarity: number;
  /** They have different labels. */
  readonly conflict: boolean;
}

export interface AuditResult {
  /** The most suspicious label first. */
  readonly images: readonly AuditedImage[];
  /** The most similar pair first. */
  readonly nearDuplicates: readonly NearDuplicates[];
  /** Estimated number of labels of each class (row) that are really of each other (column). */
  readonly joint: readonly (readonly number[])[];
  /** Accuracy of the heads on images that they were not trained on, by the labels given. */
  readonly agreement: number;
  readonly trainSeconds: number;
}

const neighbours = 5;

/**
 * Looks for wrong labels, for images that are like no other, and for near duplicates.
 *
 * Labels: confident learning on probabilities of repeated cross-validation, twice; the second time
 * heads are trained without what was suspicious at first. Ranked by the probability of the given
 * label. Outliers: the mean distance to the five nearest images lies above the third quartile by more
 * than three times the spread of the quartiles (J. Tukey's far-out fence, 1977).
 *
 * @throws HeadstartError as `trainHeads`; `USAGE` where there are too few images
 */
export async function auditImages(options: AuditOptions): Promise<AuditResult> {
  const { similarity, ...rest } = options;
  const { images, signal } = options;
  const pooled = { ...images, set: await pooledSet(plainSet(images.set), { signal }) };
  const near = await neighboursOf(pooled.set, options);
  const labels = Int32Array.from(images.set.samples, ({ label }) => label);
  const classes = images.classes.length;
  const first = await outOfFold({ ...rest, stage: 'audit, first pass' });
  const doubtful = confidentLabels({ probabilities: mean(first.probabilities), labels, classes });
  const second = await outOfFold({
    ...rest,
    seed: options.seed + options.repeats,
    leftOut: withoutEmptyClasses(doubtful.suspicious, labels),
    stage: 'audit, second pass',
  });
  const predictions: Predictions = { probabilities: mean(second.probabilities), labels, classes };
  const result = confidentLabels(predictions);
  const distances = near.similarities.map((each) => 1 - average(each));
  const fence = farOut(distances);
  const audited = Array.from(labels, (label, index): AuditedImage => {
    const suggested = result.suggestions[index] as number;
    const distance = distances[index] as number;
    return {
      index,
      label,
      suggested,
      labelProbability: result.confidences[index] as number,
      suggestedProbability: predictions.probabilities[index * classes + suggested] as number,
      suspicious: result.suspicious.has(index),
      distance,
      outlier: distance > fence,
    };
  });
  const agreed = audited.filter((one) => one.labelProbability >= one.suggestedProbability);
  return {
    images: audited.sort((a, b) => a.labelProbability - b.labelProbability),
    nearDuplicates: nearDuplicates(near, labels, similarity),
    joint: result.joint,
    agreement: agreed.length / labels.length,
    trainSeconds: first.trainSeconds + second.trainSeconds,
  };
}

async function neighboursOf(
  set: ExperimentHeadsOptions['images']['set'],
  { signal, onProgress }: Pick<AuditOptions, 'onProgress'> & OperationOptions,
): Promise<Neighbours> {
  const rows = set.samples.map((sample) => sample.rows[0] as number);
  const dimensions = set.shape.reduce((a, b) => a * b, 1);
  const table = new Float32Array(rows.length * dimensions);
  let at = 0;
  for await (const chunk of set.chunks({ rows, signal })) {
    table.set(inFloat32(chunk), at);
    at += chunk.length;
  }
  const vectors = unitVectors(table, rows.length);
  const count = Math.min(neighbours, rows.length - 1);
  return nearestNeighbours({ vectors, samples: rows.length, signal, onProgress }, count);
}

/** No class may lose so many of its images that heads could not learn it. */
function withoutEmptyClasses(suspicious: ReadonlySet<number>, labels: Int32Array) {
  const kept = new Map<number, number>();
  labels.forEach((label, i) => {
    if (!suspicious.has(i)) kept.set(label, (kept.get(label) ?? 0) + 1);
  });
  return new Set([...suspicious].filter((i) => (kept.get(labels[i] as number) ?? 0) >= 5));
}

function mean(tables: readonly Float32Array[]): Float64Array {
  const sums = new Float64Array((tables[0] as Float32Array).length);
  for (const table of tables) {
    table.forEach((p, i) => {
      sums[i] = (sums[i] as number) + p / tables.length;
    });
  }
  return sums;
}

function average(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
}

/** Tukey's outer fence. */
function farOut(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const quantile = (q: number) => sorted[Math.round(q * (sorted.length - 1))] as number;
  return quantile(0.75) + 3 * (quantile(0.75) - quantile(0.25));
}

function nearDuplicates(
  { indices, similarities }: Neighbours,
  labels: Int32Array,
  least: number,
): NearDuplicates[] {
  const pairs: NearDuplicates[] = [];
  indices.forEach((others, first) => {
    others.forEach((second, place) => {
      const similarity = similarities[first]?.[place] as number;
      const listed = second < first && indices[second]?.includes(first);
      if (similarity < least || listed) return;
      pairs.push({ first, second, similarity, conflict: labels[first] !== labels[second] });
    });
  });
  return pairs.sort((a, b) => b.similarity - a.similarity);
}
