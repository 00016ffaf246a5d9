import type { Sample } from '../dataset/index.ts';
import type { PlannedContent, PlannedView } from './plan.ts';
import type { RecordLayout } from './record.ts';
import type { FeatureStore } from './store.ts';

/** Views of one content that the cache does not hold. */
export type MissingViews = Readonly<PlannedContent>;

/** Views that were claimed here. */
export interface ClaimedViews {
  readonly samples: readonly Sample[];
  readonly views: readonly Pick<PlannedView, 'view' | 'key'>[];
}

export interface ClaimOptions {
  readonly cache: FeatureStore;
  readonly layout: RecordLayout;
  readonly onFound: (count: number) => void;
  /** Gets the keys of what was claimed. */
  readonly claimed: Set<Buffer>;
  /** Gets what others are computing. */
  readonly theirs: MissingViews[];
}

/** Images whose views are claimed at once. */
const claimedAhead = 8;

/** Views that are made of one decoded image at once: what bounds the memory of those that wait. */
const viewsAtOnce = 16;

/** Claims views, some images at a time as they are asked for, and gives out those that are ours. */
export function* claimViews(
  work: readonly MissingViews[],
  { cache, layout, onFound, claimed, theirs }: ClaimOptions,
): Generator<ClaimedViews> {
  for (let first = 0; first < work.length; first += claimedAhead) {
    const some = work.slice(first, first + claimedAhead);
    const keys = some.flatMap(({ views }) => views.map(({ key }) => key));
    const claims = cache.claim(keys, layout);
    keys.forEach((key, i) => {
      if (claims[i] === 'ours') claimed.add(key);
    });
    const found = claims.filter((claim) => claim === 'there').length;
    if (found > 0) onFound(found);
    let at = 0;
    for (const { samples, views } of some) {
      const lost = views.filter((_, i) => claims[at + i] === 'theirs');
      if (lost.length > 0) theirs.push({ samples, views: lost });
      const ours = views.flatMap(({ view }, i) =>
        claims[at + i] === 'ours' ? [{ view, key: keys[at + i] as Buffer }] : [],
      );
      at += views.length;
      for (let i = 0; i < ours.length; i += viewsAtOnce) {
        yield { samples, views: ours.slice(i, i + viewsAtOnce) };
      }
    }
  }
}

/** Claims end by themselves: that they cannot be given up is not a failure. */
export function releaseQuietly(cache: FeatureStore, claimed: readonly Buffer[]): void {
  try {
    cache.release(claimed);
  } catch {}
}
