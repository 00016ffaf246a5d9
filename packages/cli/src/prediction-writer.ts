import type { Classified } from '@headstart/core';
import { stringify } from 'csv-stringify/sync';
import { percent, table } from './table.ts';

export type PredictionFormat = 'table' | 'csv' | 'json' | 'jsonl';

/** Takes classifications in order; streams them where the format allows it. */
export interface PredictionWriter {
  add(item: Classified): Promise<void>;
  end(): Promise<void>;
}

export function createPredictionWriter(
  format: PredictionFormat,
  topk: number,
  write: (text: string) => Promise<void>,
): PredictionWriter {
  switch (format) {
    case 'csv':
      return csvWriter(topk, write);
    case 'json':
      return jsonWriter(topk, write);
    case 'jsonl':
      return {
        add: (item) => write(`${JSON.stringify(document(item, topk))}\n`),
        end: async () => {},
      };
    case 'table':
      return tableWriter(topk, write);
  }
}

/** One classification as scripts read it. */
function document(item: Classified, topk: number): Record<string, unknown> {
  if ('error' in item) return { file: item.name, error: item.error };
  const { name, label, probability, ranking } = item;
  return { file: name, label, probability, top: ranking.slice(0, topk) };
}

function csvWriter(topk: number, write: (text: string) => Promise<void>): PredictionWriter {
  const places = Array.from({ length: topk }, (_, i) => i + 1);
  const header = ['file', ...places.flatMap((i) => [`label_${i}`, `probability_${i}`]), 'error'];
  let started = false;
  const start = async () => {
    if (!started) await write(stringify([header]));
    started = true;
  };
  return {
    async add(item) {
      await start();
      const ranking = 'error' in item ? [] : item.ranking;
      const cells = places.flatMap((i) => {
        const place = ranking[i - 1];
        return place ? [place.label, place.probability.toFixed(6)] : ['', ''];
      });
      await write(stringify([[item.name, ...cells, 'error' in item ? item.error : '']]));
    },
    end: start,
  };
}

function jsonWriter(topk: number, write: (text: string) => Promise<void>): PredictionWriter {
  let separator = '[\n';
  return {
    async add(item) {
      await write(`${separator}${JSON.stringify(document(item, topk))}`);
      separator = ',\n';
    },
    end: () => write(separator === '[\n' ? '[]\n' : '\n]\n'),
  };
}

function tableWriter(topk: number, write: (text: string) => Promise<void>): PredictionWriter {
  const items: Classified[] = [];
  return {
    async add(item) {
      items.push(item);
    },
    async end() {
      const rows = items.map((item) => {
        if ('error' in item) return [item.name, '–', '', `not read: ${item.error}`];
        const rest = item.ranking.slice(1, topk);
        const others = rest.map((place) => `${place.label} ${percent(place.probability)}`);
        return [item.name, item.label, percent(item.probability), others.join(', ')];
      });
      if (rows.length > 0) {
        await write(`${table(['file', 'label', 'probability', 'then'], rows)}\n`);
      }
    },
  };
}
