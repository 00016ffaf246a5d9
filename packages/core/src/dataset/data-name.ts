import { basename, resolve } from 'node:path';

/** What is made of a folder, a table or a feature file is called after it. */
export function nameOfData(path: string, otherwise: string): string {
  return basename(resolve(path)).replace(/\.(safetensors|csv|tsv|jsonl)$/i, '') || otherwise;
}
