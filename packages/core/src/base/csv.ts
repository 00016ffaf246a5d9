import { createRequire } from 'node:module';
import type * as reading from 'csv-parse/sync';
import type * as writing from 'csv-stringify/sync';

const load = createRequire(import.meta.url);

/** Rows as the text of a CSV file. */
export const csvText: typeof writing.stringify = (...rows) =>
  (load('csv-stringify/sync') as typeof writing).stringify(...rows);

/** The rows of a CSV file. @throws what {@link isCsvError} knows */
export const parseCsv = ((...from: Parameters<typeof reading.parse>) =>
  (load('csv-parse/sync') as typeof reading).parse(...from)) as typeof reading.parse;

/** An error about the text of a CSV file, with the line that it stands in. */
export function isCsvError(error: unknown): error is Error & { readonly lines?: number } {
  return error instanceof (load('csv-parse/sync') as typeof reading).CsvError;
}
