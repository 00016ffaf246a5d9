import type { FeatureStore } from '@headstart/native';
import type { FeatureSet } from '../features/index.ts';
import { type LoadFeaturesOptions, loadFeatureStore } from './feature-store.ts';
import type { ResolvedHead } from './spec.ts';

/**
 * Features in native memory that several trainings use, one after the other or side by side: each
 * table of rows is loaded once, also where several sets name other samples of it. Dispose of it
 * when the last training has ended.
 */
export class FeatureStores implements Disposable {
  readonly #stores = new Map<string, Promise<FeatureStore>>();
  /** Sets over the same rows have the same `chunks`. */
  readonly #tables = new Map<FeatureSet['chunks'], number>();

  /** As {@link loadFeatureStore}. A load that failed is tried again when it is next asked for. */
  load(
    set: FeatureSet,
    inputShape: ResolvedHead['inputShape'],
    options: LoadFeaturesOptions,
  ): Promise<FeatureStore> {
    const table = this.#tables.get(set.chunks) ?? this.#tables.size;
    this.#tables.set(set.chunks, table);
    const key = [table, ...inputShape, options.roundToBfloat16, options.device].join();
    const known = this.#stores.get(key);
    if (known) return known;
    const loading = loadFeatureStore(set, inputShape, options);
    this.#stores.set(key, loading);
    loading.catch(() => this.#stores.delete(key));
    return loading;
  }

  /** Stores that are still being loaded go when they are there. */
  [Symbol.dispose](): void {
    for (const store of this.#stores.values()) {
      store.then(
        (loaded) => loaded.dispose(),
        () => {},
      );
    }
    this.#stores.clear();
  }
}
