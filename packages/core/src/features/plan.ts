import type { Sample } from '../dataset/index.ts';
import { type ViewTransform, viewId } from '../image/index.ts';
import { type ExtractorId, featureKey } from './key.ts';
import type { FeatureDtype, FeatureSample } from './set.ts';

/** A transform, or undefined for the plain image. */
export type ViewRequest = ViewTransform | undefined;

export interface SampleRequest {
  readonly sample: Sample;
  readonly views: readonly ViewRequest[];
}

/** One view of one content: one record, one row. */
export interface PlannedView {
  readonly view: ViewRequest;
  readonly key: Buffer;
}

/** Files of the same bytes, and all views that are asked for of any of them. */
export interface PlannedContent {
  readonly hash: string;
  readonly samples: Sample[];
  readonly views: Map<string, PlannedView>;
}

/** What there is to do, each thing once. */
export interface ExtractionPlan {
  readonly contents: readonly PlannedContent[];
  /** For each request its views. */
  readonly requested: readonly (readonly PlannedView[])[];
  readonly viewCount: number;
}

export function planExtraction(
  requests: readonly SampleRequest[],
  extractor: ExtractorId,
  dtype: FeatureDtype,
): ExtractionPlan {
  const contents = new Map<string, PlannedContent>();
  let viewCount = 0;
  const requested = requests.map(({ sample, views }) => {
    const { hash } = sample;
    const content: PlannedContent = contents.get(hash) ?? { hash, samples: [], views: new Map() };
    contents.set(hash, content);
    content.samples.push(sample);
    return views.map((view) => {
      const id = viewId(view);
      const known = content.views.get(id);
      if (known) return known;
      const planned = { view, key: featureKey(extractor, hash, view, dtype) };
      content.views.set(id, planned);
      viewCount++;
      return planned;
    });
  });
  return { contents: [...contents.values()], requested, viewCount };
}

/** The keys of all views, those of a content together. */
export function keysOf({ contents }: ExtractionPlan): Buffer[] {
  return contents.flatMap(({ views }) => [...views.values()].map(({ key }) => key));
}

/** Rows in the order in which the kept samples first ask for them. */
export function assignRows(
  requests: readonly SampleRequest[],
  plan: ExtractionPlan,
  skipped: ReadonlySet<Sample>,
): { samples: FeatureSample[]; keys: Buffer[] } {
  const rowOf = new Map<PlannedView, number>();
  const keys: Buffer[] = [];
  const samples: FeatureSample[] = [];
  requests.forEach(({ sample }, i) => {
    if (skipped.has(sample)) return;
    const rows = (plan.requested[i] as PlannedView[]).map((view) => {
      const known = rowOf.get(view);
      if (known !== undefined) return known;
      rowOf.set(view, keys.length);
      return keys.push(view.key) - 1;
    });
    const { name, hash, label, group } = sample;
    samples.push({ name, hash, label, group, rows });
  });
  return { samples, keys };
}
