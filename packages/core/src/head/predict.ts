import { type BackendName, FeatureStore, Trainer } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import type { FeatureSet } from '../features/index.ts';
import { translateNativeError } from './native-error.ts';
import { plainRows } from './samples.ts';
import type { ResolvedHead } from './spec.ts';
import { checkHeadWeights, type HeadWeights } from './weights.ts';

export interface PredictHeadOptions extends OperationOptions {
  readonly features: FeatureSet;
  readonly head: ResolvedHead;
  readonly weights: HeadWeights;
  /** Default `cpu`. */
  readonly backend?: BackendName | undefined;
  readonly threads?: number | undefined;
}

/**
 * Class probabilities of every sample's first row, [samples x classes] in the set's order. Features
 * pass through chunk by chunk; no more than one is held.
 *
 * @throws HeadstartError `WEIGHTS_INVALID`, `FEATURE_FILE_INVALID`
 * @example
 * ```ts
 * const { set, classes } = await readFeatureFile('train.safetensors');
 * const { set: validation } = await readFeatureFile('validation.safetensors');
 * const trained = await trainHead({ train: set, validation, classes, head: headPreset('linear') });
 * const { head, weights } = trained;
 * const probabilities = await predictHead({ features: validation, head, weights });
 * ```
 */
export async function predictHead(options: PredictHeadOptions): Promise<Float32Array> {
  const { features, head, weights, signal } = options;
  checkHeadWeights(weights, head.parameters, 'the head');
  checkFeatureShape(features, head);
  try {
    return await predictRows(options, [...plainRows(features)]);
  } catch (error) {
    throw translateNativeError(error, signal);
  }
}

async function predictRows(
  options: PredictHeadOptions,
  rows: readonly number[],
): Promise<Float32Array> {
  const { features, head, weights, backend = 'cpu', threads, signal } = options;
  const { inputShape, classes, layers } = head;
  const rowSize = inputShape.reduce((a, b) => a * b, 1);
  const probabilities = new Float32Array(rows.length * classes);
  const heads = [{ seed: 0, learningRate: 0 }];
  using trainer = new Trainer({ inputShape, layers, classes, heads, backend, threads });
  trainer.setWeights(weights);
  let done = 0;
  for await (const chunk of features.chunks({ rows, signal })) {
    const capacity = chunk.length / rowSize;
    using store = new FeatureStore({ shape: inputShape, capacity, dtype: features.dtype });
    store.append(chunk);
    const inChunk = Int32Array.from({ length: capacity }, (_, i) => i);
    const predicted = await trainer.predict({ store, rows: inChunk }, { signal });
    probabilities.set(predicted, done * classes);
    done += capacity;
  }
  return probabilities;
}

/** @throws HeadstartError `FEATURE_FILE_INVALID` */
export function checkFeatureShape(features: FeatureSet, head: ResolvedHead): void {
  const size = (shape: readonly number[]) => shape.join('x');
  const [h, w, c] = head.inputShape;
  const wanted = h === 1 && w === 1 && features.shape.length === 1 ? [c] : head.inputShape;
  if (size(features.shape) === size(wanted)) return;
  throw new HeadstartError(
    'FEATURE_FILE_INVALID',
    `The features are ${size(features.shape)}, but the head takes ${size(wanted)}: ` +
      'they come from another backbone.',
  );
}
