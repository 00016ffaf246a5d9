import { FeatureStore } from '@headstart/native';
import { HeadstartError } from '../errors.ts';
import type { FeatureSet } from '../features/index.ts';
import type { OperationOptions } from '../operation.ts';
import type { ResolvedHead } from './spec.ts';

/**
 * Reads a feature set into native memory, chunk by chunk: row r of the store is row r of the set.
 * The caller disposes of the store.
 *
 * @throws HeadstartError `FEATURE_FILE_INVALID` where the set holds fewer rows than it says
 */
export async function loadFeatureStore(
  set: FeatureSet,
  inputShape: ResolvedHead['inputShape'],
  { signal }: OperationOptions,
): Promise<FeatureStore> {
  const store = new FeatureStore({ shape: inputShape, capacity: set.rowCount, dtype: set.dtype });
  try {
    for await (const chunk of set.chunks({ signal })) {
      signal?.throwIfAborted();
      store.append(chunk);
    }
    if (store.length !== set.rowCount) {
      throw new HeadstartError(
        'FEATURE_FILE_INVALID',
        `The features have ${store.length} rows, not the ${set.rowCount} they should have.`,
      );
    }
    return store;
  } catch (error) {
    store.dispose();
    throw error;
  }
}
