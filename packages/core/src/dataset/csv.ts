import { isCsvError, parseCsv } from '../base/csv.ts';

export interface CsvRow {
  readonly record: readonly string[];
  /** Of the file, from 1; the last one of a record with line breaks in it. */
  readonly line: number;
}

/** @param refuse the error for quotes that are not those of CSV */
export function csvRows(
  content: Buffer | string,
  refuse: (line: number, error: unknown) => Error,
  delimiter = ',',
): CsvRow[] {
  try {
    const rows: CsvRow[] = [];
    parseCsv(content, {
      bom: true,
      delimiter,
      // Not `info`, which keeps all that is known of each record.
      onRecord: (record, { lines: line }) => {
        rows.push({ record: record as unknown as string[], line });
        return null;
      },
      // An editor may end its own lines otherwise than the program that wrote the file.
      recordDelimiter: ['\r\n', '\n', '\r'],
      relaxColumnCount: true,
      skipEmptyLines: true,
    });
    return rows;
  } catch (error) {
    if (!isCsvError(error)) throw error;
    throw refuse(error.lines ?? 1, error);
  }
}
