import type { Classified, Prediction } from '@headstart/core';
import { stringify } from 'csv-stringify/sync';
import type { ErrorDocument } from './documents.ts';
import { percent, tablePart } from './table.ts';

export type PredictionFormat = 'table' | 'csv' | 'json' | 'jsonl';

/** Takes classifications in order and streams them; holds no more than a few rows. */
export interface PredictionWriter {
  add(item: Classified): Promise<void>;
  /** @param failure what ended the stream before its end */
  end(failure?: ErrorDocument): Promise<void>;
}

export interface PredictionLayout {
  /** Class names, by label. */
  readonly classes: readonly string[];
  /** How many classes of a ranking are named. */
  readonly topk: number;
  /** Also the probability of each class. */
  readonly all: boolean;
  /** A label may be `unknown`, and so another one than the most probable class. */
  readonly mayBeUnknown: boolean;
  /** Rows of a table that are laid out together. */
  readonly rowsTogether: number;
}

type Write = (text: string) => Promise<void>;

export function createPredictionWriter(
  format: PredictionFormat,
  layout: PredictionLayout,
  write: Write,
): PredictionWriter {
  switch (format) {
    case 'csv':
      return csvWriter(layout, write);
    case 'json':
      return jsonWriter(layout, write);
    case 'jsonl':
      return {
        add: (item) => write(`${JSON.stringify(document(item, layout))}\n`),
        end: async () => {},
      };
    case 'table':
      return tableWriter(layout, write);
  }
}

/** One classification as scripts read it. */
function document(item: Classified, { topk, all, classes }: PredictionLayout) {
  if ('error' in item) return { file: item.name, error: item.error };
  const { name, label, probability, ranking } = item;
  const row = { file: name, label, probability, top: ranking.slice(0, topk) };
  if (!all) return row;
  const byClass = probabilitiesOf(item);
  const entries = classes.map((name) => [name, byClass.get(name)]);
  return { ...row, probabilities: Object.fromEntries(entries) };
}

function probabilitiesOf({ ranking }: Prediction): Map<string, number> {
  return new Map(ranking.map(({ label, probability }) => [label, probability]));
}

function csvWriter(layout: PredictionLayout, write: Write): PredictionWriter {
  const { classes, topk, all, mayBeUnknown } = layout;
  const places = Array.from({ length: topk }, (_, i) => i);
  const header = [
    'file',
    ...(mayBeUnknown ? ['label'] : []),
    ...places.flatMap((i) => [`label_${i + 1}`, `probability_${i + 1}`]),
    ...(all ? classes.map((name) => `p_${name}`) : []),
    'error',
  ];
  const cells = (item: Prediction): string[] => {
    const ranked = places.flatMap((i) => {
      const place = item.ranking[i];
      return place ? [place.label, place.probability.toFixed(6)] : ['', ''];
    });
    const byClass = probabilitiesOf(item);
    return [
      ...(mayBeUnknown ? [item.label] : []),
      ...ranked,
      ...(all ? classes.map((name) => (byClass.get(name) ?? 0).toFixed(6)) : []),
      '',
    ];
  };
  let started = false;
  const start = async () => {
    if (!started) await write(stringify([header]));
    started = true;
  };
  return {
    async add(item) {
      await start();
      const empty = () => [...new Array<string>(header.length - 2).fill(''), errorOf(item)];
      await write(stringify([[item.name, ...('error' in item ? empty() : cells(item))]]));
    },
    end: start,
  };
}

function errorOf(item: Classified): string {
  return 'error' in item ? item.error : '';
}

/** An array; or, where nothing was classified before a failure, the failure alone. */
function jsonWriter(layout: PredictionLayout, write: Write): PredictionWriter {
  let separator = '[\n';
  return {
    async add(item) {
      await write(`${separator}${JSON.stringify(document(item, layout))}`);
      separator = ',\n';
    },
    async end(failure) {
      const started = separator !== '[\n';
      const last = failure ? JSON.stringify(failure) : undefined;
      if (!started) await write(`${last ?? '[]'}\n`);
      else await write(`${last ? `${separator}${last}` : ''}\n]\n`);
    },
  };
}

/** Columns are as wide as the rows so far need: rows go out before the last one is known. */
function tableWriter(layout: PredictionLayout, write: Write): PredictionWriter {
  const header = ['file', 'label', 'probability', 'then'];
  let widths: readonly number[] = [];
  let rows: string[][] = [];
  let started = false;
  const flush = async () => {
    if (rows.length === 0) return;
    const laidOut = tablePart(header, rows, { widths, withHeader: !started });
    rows = [];
    started = true;
    widths = laidOut.widths;
    await write(`${laidOut.text}\n`);
  };
  return {
    async add(item) {
      rows.push(tableRow(item, layout.topk));
      if (rows.length >= layout.rowsTogether) await flush();
    },
    end: flush,
  };
}

function tableRow(item: Classified, topk: number): string[] {
  if ('error' in item) return [item.name, '–', '', `not read: ${item.reason}`];
  const { name, label, probability, ranking } = item;
  // Where the label is none of the ranking, all of it comes then.
  const rest = ranking.slice(ranking[0]?.label === label ? 1 : 0, topk);
  const others = rest.map((place) => `${place.label} ${percent(place.probability)}`);
  return [name, label, percent(probability), others.join(', ')];
}
