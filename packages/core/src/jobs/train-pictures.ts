import { resolve } from 'node:path';
import { type Evaluation, worstMistakes } from '../evaluate/index.ts';
import { type FeatureSet, fromFloat16 } from '../features/index.ts';
import { HeadExplainer, type TrainedHead } from '../head/index.ts';
import type { OperationOptions } from '../operation.ts';
import { type MistakePictures, mistakePictures, mostPictured } from '../run/index.ts';
import type { TrainingData } from './training-data.ts';

/**
 * Pictures of a run's surest mistakes, with heat maps where the features have places: they are at
 * hand, so that nothing goes through the backbone again. None where the run was trained on feature
 * files, which do not say where their images are.
 */
export async function picturesOfMistakes(
  { source, validation, extractor }: TrainingData,
  { head, weights }: TrainedHead,
  { predictions }: Evaluation,
  fit: 'stretch' | 'crop' | 'pad' | undefined,
  { signal }: OperationOptions,
): Promise<Map<string, MistakePictures>> {
  if (!extractor) return new Map();
  const worst = worstMistakes(predictions, mostPictured);
  const places = head.inputShape[0] * head.inputShape[1];
  const explainer = places > 1 ? new HeadExplainer(head, weights) : undefined;
  const names = new Set(explainer ? worst.map(({ name }) => name) : []);
  const features = await featuresByName(validation, names, { signal });
  return mistakePictures(worst, {
    pathOf: (name) => resolve(source, name),
    explainer,
    featuresOf: (name) => features.get(name),
    input: { ...extractor.backbone.input, fit },
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
