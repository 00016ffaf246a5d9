import { HeadstartError } from '../base/errors.ts';
import { type OptionsOf, pickOptions, tableOptions } from '../options/index.ts';
import { list } from './layout-error.ts';
import { tableError } from './table-rows.ts';

/** Which columns of a table are read, and where its images are. */
export type TableOptions = OptionsOf<typeof tableOptions>;

/** Indices of the columns that are read. */
export interface TableColumns {
  readonly path: number;
  readonly label: number;
  readonly split: number | undefined;
  readonly group: number | undefined;
}

/**
 * Names of the columns, ours first: it wins where several stand side by side. The others are those
 * of fastai (`fname`, `is_valid`), Keras (`filename`, `class`), ML.NET (`ImagePath`) and Hugging Face
 * (`file_name`), and of other programs. Capitals, spaces, `_` and `-` do not count.
 */
const columnNames = {
  path: ['path', 'filename', 'fname', 'imagepath', 'filepath', 'file', 'image'],
  label: ['label', 'class', 'classname', 'category'],
  split: ['split', 'isvalid'],
  group: ['group', 'groupid'],
} as const;

type Column = keyof typeof columnNames;

/** @throws HeadstartError `DATA_LAYOUT`, and `USAGE` where a column that was named is not there */
export function chooseColumns(
  path: string,
  columns: readonly string[],
  options: TableOptions,
): TableColumns {
  const choose = (column: Column) => chooseColumn(path, columns, column, options);
  const needed = (column: 'path' | 'label') => {
    const found = choose(column);
    if (found !== undefined) return found;
    const what = column === 'path' ? 'of image files' : 'of labels';
    throw tableError(
      path,
      `has no column ${what}: its first line must name one ${column}, or say which it is with \`${column}Column\` (its columns are ${list(columns)})`,
    );
  };
  const [pathColumn, label] = [needed('path'), needed('label')];
  return { path: pathColumn, label, split: choose('split'), group: choose('group') };
}

function chooseColumn(
  path: string,
  columns: readonly string[],
  column: Column,
  options: TableOptions,
): number | undefined {
  const option = `${column}Column` as const;
  const given = options[option];
  const places = columns.flatMap((name, i) => {
    const isIt = given === undefined ? rankOf(name, column) >= 0 : name === given;
    return isIt ? [i] : [];
  });
  if (given !== undefined && places.length === 0) {
    throw new HeadstartError(
      'USAGE',
      `The table ${path} has no column "${given}" for \`${option}\`: its columns are ${list(columns)}.`,
      { option },
    );
  }
  const ours = places.filter((i) => rankOf(columns[i] as string, column) === 0);
  const [first, ...more] = given === undefined && ours.length > 0 ? ours : places;
  if (more.length === 0) return first;
  const names = places.map((i) => columns[i] as string);
  throw tableError(
    path,
    `has several columns that may be the ${column}, ${list(names)}: say which with \`${option}\``,
  );
}

/** The place of a name among those that are known for a column; -1 where it is none of them. */
function rankOf(name: string, column: Column): number {
  const plain = name.toLowerCase().replace(/[\s_-]/g, '');
  return (columnNames[column] as readonly string[]).indexOf(plain);
}

/** The part of some options that says how a table is read. */
export function tableOptionsOf(options: TableOptions): TableOptions {
  return pickOptions(options, Object.keys(tableOptions));
}
