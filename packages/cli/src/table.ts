type Rows = readonly (readonly unknown[])[];

/** Lays rows out in columns; numbers are set to the right. */
export function table(header: readonly string[], rows: Rows): string {
  return tablePart(header, rows, { widths: [], withHeader: true }).text;
}

/**
 * A part of a table that is printed as its rows come.
 *
 * @param widths the columns' widths so far, which only grow
 * @returns the text, and the widths to go on with
 */
export function tablePart(
  header: readonly string[],
  rows: Rows,
  {
    widths: least,
    withHeader,
  }: { readonly widths: readonly number[]; readonly withHeader: boolean },
): { readonly text: string; readonly widths: readonly number[] } {
  const cells = [header, ...rows].map((row) => row.map((cell) => onOneLine(String(cell ?? ''))));
  const widths = header.map((_, column) =>
    cells.reduce((widest, row) => Math.max(widest, row[column]!.length), least[column] ?? 0),
  );
  const toTheRight = header.map((_, column) =>
    rows.every(
      (row) => typeof row[column] === 'number' || /^[\d.,]+ ?%?$/.test(String(row[column])),
    ),
  );
  const text = (withHeader ? cells : cells.slice(1))
    .map((row) =>
      row
        .map((cell, i) => (toTheRight[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
  return { text, widths };
}

/** Text for a terminal: what would steer it stands as `\x1b`. Line breaks and tabs stay. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, escaped);
}

/** The same on one line, so that a name cannot tear a table. */
function onOneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, escaped);
}

function escaped(control: string): string {
  return control === '\n' ? '\\n' : `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** A size as people say it: `12.3 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
