import { HeadstartError } from '../base/errors.ts';
import type { Kind } from './kinds.ts';

/** All that is known of an option, besides its name in the library. */
export interface OptionEntry<T = unknown> {
  readonly kind: Kind<T>;
  /** What the command line gives where the user gives nothing. */
  readonly default?: T | undefined;
  /** In place of the default's value, where help shows it. */
  readonly defaultText?: string | undefined;
  /** What holds where nothing is given, while "nothing" stays to be told from this value. */
  readonly implied?: T | undefined;
  /** One line; absent where only the form that switches it off has one. */
  readonly help?: string | undefined;
  /** The line of `--no-NAME`, which sets the option to false. */
  readonly helpOff?: string | undefined;
  /** The value's name in help, where it is not its kind's. */
  readonly placeholder?: string | undefined;
  /** Its name on the command line, in camel case, where that is another one: `lrFactor`. */
  readonly flag?: string | undefined;
  /** Its short form on the command line, one character. */
  readonly short?: string | undefined;
  /** The variable of the environment that gives it. */
  readonly environment?: string | undefined;
}

/** Options by their names in the library, in the order of the help. */
export type OptionTable = Readonly<Record<string, OptionEntry>>;

/** An entry of a table; the kind gives the type of the value. */
export function option<T, const E extends Omit<OptionEntry<T>, 'kind'>>(
  kind: Kind<T>,
  entry: E,
): { readonly kind: Kind<T> } & E {
  return { kind, ...entry };
}

/** The value of an entry. */
export type EntryValue<E> = E extends { readonly kind: Kind<infer T> } ? T : never;

/** The options of a table as the library takes them: each may be left out. */
export type OptionsOf<Table> = {
  readonly [Name in keyof Table]?: EntryValue<Table[Name]> | undefined;
};

/** The value that a given or absent option comes to. */
type Settled<E> = E extends { readonly default: unknown } | { readonly implied: unknown }
  ? EntryValue<E>
  : EntryValue<E> | undefined;

/** The options of a table, checked, with their defaults. */
export type SettledOptions<Table> = { readonly [Name in keyof Table]: Settled<Table[Name]> };

/**
 * Checks given values against a table.
 *
 * @param within the option that these are parts of: `earlyStopping`
 * @throws HeadstartError `USAGE` naming the option, what it must be and what it is
 */
export function checkOptions(table: OptionTable, options: object, within?: string): void {
  for (const [name, { kind }] of Object.entries(table)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || kind.accepts(value)) continue;
    throw wrongOption(within === undefined ? name : `${within}.${name}`, value, kind.expected);
  }
}

/**
 * The value of every option of a table: the given one, or its default.
 *
 * @throws HeadstartError `USAGE` as {@link checkOptions}
 */
export function settleOptions<Table extends OptionTable>(
  table: Table,
  options: OptionsOf<Table>,
  within?: string,
): SettledOptions<Table> {
  checkOptions(table, options, within);
  const values = Object.entries(table).map(([name, entry]) => [
    name,
    options[name as keyof Table] ?? entry.default ?? entry.implied,
  ]);
  return Object.fromEntries(values) as SettledOptions<Table>;
}

/** Those of some options that have one of these names; undefined ones are left out. */
export function pickOptions<Options extends object>(
  options: Options,
  names: readonly string[],
): Partial<Options> {
  const given = options as Readonly<Record<string, unknown>>;
  const picked = names.map((name) => [name, given[name]] as const);
  return Object.fromEntries(picked.filter(([, value]) => value !== undefined)) as Partial<Options>;
}

/** The error for a value that an option cannot have: `The option epochs must be …, not 0.` */
export function wrongOption(name: string, value: unknown, expected: string): HeadstartError {
  const shown = typeof value === 'string' ? `"${value}"` : String(value);
  return new HeadstartError('USAGE', `The option ${name} must be ${expected}, not ${shown}.`, {
    option: name,
  });
}
