import { resolve } from 'node:path';
import { fromFloat16 } from '../base/float16.ts';
import type { OperationOptions } from '../base/operation.ts';
import { type Evaluation, worstMistakes } from '../evaluate/index.ts';
import type { FeatureSet } from '../features/index.ts';
import { HeadExplainer, type HeadWeights, type ResolvedHead } from '../head/index.ts';
import {
  type MistakePictureOptions,
  type MistakePictures,
  mistakePictures,
} from './mistake-pictures.ts';
import { mostPictured } from './report/mistakes.ts';

export interface MistakeSources extends OperationOptions {
  /** The folder that names of samples are relative to. */
  readonly root: string;
  /** Features of the samples; undefined where they are not at hand. */
  readonly features: FeatureSet | undefined;
  readonly head: ResolvedHead;
  readonly weights: HeadWeights;
  /** The backbone's input, and how pictures came to it. */
  readonly input: MistakePictureOptions['input'];
}

/**
 * Pictures of the surest mistakes, with heat maps where the features have places: they are at hand,
 * so that nothing goes through the backbone again.
 */
export async function picturesOfMistakes(
  { predictions }: Evaluation,
  { root, features: set, head, weights, input, signal }: MistakeSources,
): Promise<Map<string, MistakePictures>> {
  const worst = worstMistakes(predictions, mostPictured);
  const places = head.inputShape[0] * head.inputShape[1];
  const explainer = set && places > 1 ? new HeadExplainer(head, weights) : undefined;
  const names = new Set(worst.map(({ name }) => name));
  const features = explainer
    ? await featuresByName(set as FeatureSet, names, { signal })
    : undefined;
  return mistakePictures(worst, {
    pathOf: (name) => resolve(root, name),
    explainer,
    featuresOf: (name) => features?.get(name),
    input,
    signal,
  });
}

/** Of the samples that are named: row 0, the plain image. */
async function featuresByName(
  set: FeatureSet,
  names: ReadonlySet<string>,
  { signal }: OperationOptions,
): Promise<Map<string, Float32Array>> {
  const samples = set.samples.filter(({ name }) => names.has(name));
  const rows = samples.map(({ rows }) => rows[0] as number);
  const length = set.shape.reduce((a, b) => a * b, 1);
  const features = new Map<string, Float32Array>();
  for await (const chunk of set.chunks({ rows, signal })) {
    const numbers = chunk instanceof Uint16Array ? fromFloat16(chunk) : chunk;
    for (let start = 0; start < numbers.length; start += length) {
      const name = samples[features.size]?.name as string;
      features.set(name, numbers.slice(start, start + length));
    }
  }
  return features;
}
