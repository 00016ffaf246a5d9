import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BackendName, FeatureStore, NativeError } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import type { FeatureSet } from '../features/index.ts';
import type { ResolvedHead } from './spec.ts';

export interface LoadFeaturesOptions extends OperationOptions {
  /** Keep float32 features as bfloat16: half the memory, for products in bf16. Default false. */
  readonly roundToBfloat16?: boolean | undefined;
  /** Where the rows go. Default `cpu`; `cuda`: to the GPU's memory and nowhere else. */
  readonly device?: BackendName | undefined;
}

/** How many bytes are looked through before others get a turn. */
const checkBytes = 64 * 1024 * 1024;

/**
 * Brings a feature set to the trainer: row r of the store is row r of the set. Rows that lie in a
 * file as they are needed are mapped, others are read chunk by chunk. The caller disposes of the
 * store.
 *
 * @throws HeadstartError `FEATURE_FILE_INVALID` where the set holds fewer rows than it declares, or a
 *   number that is not finite
 */
export async function loadFeatureStore(
  set: FeatureSet,
  inputShape: ResolvedHead['inputShape'],
  { signal, roundToBfloat16 = false, device }: LoadFeaturesOptions,
): Promise<FeatureStore> {
  const dtype = roundToBfloat16 && set.dtype === 'float32' ? 'bfloat16' : set.dtype;
  const mapped = dtype === set.dtype ? mapFeatures(set, inputShape) : undefined;
  const store =
    mapped ?? new FeatureStore({ shape: inputShape, capacity: set.rowCount, dtype, device });
  try {
    if (!mapped) await appendRows(store, set, signal);
    await checkFinite(store, set, signal);
    return store;
  } catch (error) {
    store.dispose();
    throw error;
  }
}

/** Undefined where the rows lie in no file, or where that cannot be mapped. */
function mapFeatures(
  { file, dtype, rowCount }: FeatureSet,
  shape: ResolvedHead['inputShape'],
): FeatureStore | undefined {
  if (!file) return undefined;
  try {
    return FeatureStore.map({ ...file, shape, dtype, rows: rowCount });
  } catch (error) {
    // Reading gives a better reason, if the file is wrong.
    if (error instanceof NativeError && error.code === 'INVALID_ARGUMENT') return undefined;
    throw error;
  }
}

async function appendRows(
  store: FeatureStore,
  set: FeatureSet,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const chunk of set.chunks({ signal })) {
    signal?.throwIfAborted();
    store.append(chunk);
  }
  if (store.length === set.rowCount) return;
  throw new HeadstartError(
    'FEATURE_FILE_INVALID',
    `The features have ${store.length} rows, not the ${set.rowCount} they should have.`,
  );
}

/** One such row would make every loss and weight not-a-number. */
async function checkFinite(
  store: FeatureStore,
  set: FeatureSet,
  signal: AbortSignal | undefined,
): Promise<void> {
  const rowBytes = store.byteLength / Math.max(1, store.length);
  const rowsAtOnce = Math.max(1, Math.floor(checkBytes / rowBytes));
  for (let begin = 0; begin < store.length; begin += rowsAtOnce) {
    signal?.throwIfAborted();
    const row = store.findInvalidRow(begin, rowsAtOnce);
    if (row < 0) {
      await nextTurn();
      continue;
    }
    const sample = set.samples.find(({ rows }) => rows.includes(row));
    throw new HeadstartError(
      'FEATURE_FILE_INVALID',
      `The features of ${sample?.name ?? `row ${row}`} hold a number that is not finite: ` +
        'compute them again, or leave that image out.',
    );
  }
}
