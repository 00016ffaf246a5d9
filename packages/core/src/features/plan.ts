import type { Sample } from '../dataset/index.ts';
import { type ViewTransform, viewId } from '../image/index.ts';
import { type ExtractorId, keyBytes, writeFeatureKey } from './key.ts';
import type { FeatureDtype, FeatureSample } from './set.ts';

/** A transform, or undefined for the plain image. */
export type ViewRequest = ViewTransform | undefined;

export interface SampleRequest {
  readonly sample: Sample;
  readonly views: readonly ViewRequest[];
}

/** One view of one content: one record, one row. Its key is in a buffer that all views share. */
export class PlannedView {
  readonly view: ViewRequest;
  /** From 0, in the order of the first requests. */
  readonly number: number;
  readonly #keys: Buffer;

  constructor(view: ViewRequest, number: number, keys: Buffer) {
    this.view = view;
    this.number = number;
    this.#keys = keys;
  }

  get key(): Buffer {
    return keyAt(this.#keys, this.number);
  }
}

/** Files of the same bytes, and all views that are asked for of any of them. */
export interface PlannedContent {
  readonly samples: Sample[];
  views: readonly PlannedView[];
}

/** What there is to do, each thing once. */
export interface ExtractionPlan {
  readonly contents: readonly PlannedContent[];
  /** For each request its views. */
  readonly requested: readonly (readonly PlannedView[])[];
  readonly viewCount: number;
  /** The keys of the views, by their numbers. */
  readonly keys: Buffer;
}

export function planExtraction(
  requests: readonly SampleRequest[],
  extractor: ExtractorId,
  dtype: FeatureDtype,
): ExtractionPlan {
  const contents = new Map<string, PlannedContent>();
  const most = requests.reduce((sum, { views }) => sum + views.length, 0);
  const keys = Buffer.allocUnsafeSlow(most * keyBytes);
  let viewCount = 0;
  const requested = requests.map(({ sample, views }) => {
    const { hash } = sample;
    const known = contents.get(hash);
    const byId = new Map(known?.views.map((planned) => [viewId(planned.view), planned]));
    const own = views.map((view) => {
      const id = viewId(view);
      const before = byId.get(id);
      if (before) return before;
      const planned = new PlannedView(view, viewCount++, keys);
      writeFeatureKey(planned.key, extractor, hash, view, dtype);
      byId.set(id, planned);
      return planned;
    });
    if (!known) {
      const all = byId.size === own.length ? own : [...byId.values()];
      contents.set(hash, { samples: [sample], views: all });
    } else {
      known.samples.push(sample);
      if (byId.size > known.views.length) known.views = [...byId.values()];
    }
    return own;
  });
  return { contents: [...contents.values()], requested, viewCount, keys };
}

/** The keys of all views. */
export function* keysOf({ keys, viewCount }: ExtractionPlan): Generator<Buffer> {
  for (let i = 0; i < viewCount; i++) yield keyAt(keys, i);
}

/** Rows in the order in which the kept samples first ask for them. */
export function assignRows(
  requests: readonly SampleRequest[],
  plan: ExtractionPlan,
  skipped: ReadonlySet<Sample>,
): { samples: FeatureSample[]; rowCount: number; keyOf: (row: number) => Buffer } {
  const rowOf = new Int32Array(plan.viewCount).fill(-1);
  const viewOf = new Uint32Array(plan.viewCount);
  let rowCount = 0;
  const samples: FeatureSample[] = [];
  requests.forEach(({ sample }, i) => {
    if (skipped.has(sample)) return;
    const rows = (plan.requested[i] as PlannedView[]).map(({ number }) => {
      if (rowOf[number] === -1) {
        viewOf[rowCount] = number;
        rowOf[number] = rowCount++;
      }
      return rowOf[number] as number;
    });
    const { name, hash, label, group } = sample;
    samples.push({ name, hash, label, group, rows });
  });
  const { keys } = plan;
  return { samples, rowCount, keyOf: (row) => keyAt(keys, viewOf[row] as number) };
}

function keyAt(keys: Buffer, number: number): Buffer {
  return keys.subarray(number * keyBytes, (number + 1) * keyBytes);
}
