/** What the value of an option may be: as a type, in words, as JSON Schema, and as text. */
export interface Kind<T> {
  /** What follows "must be": `an integer from 1 to 65536`. */
  readonly expected: string;
  /** The JSON Schema of the value in headstart.json, which may be the text of a command line. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** The words of a list, all that the value may be. */
  readonly choices?: readonly string[] | undefined;
  /** The value's name in `--option <name>`; `file` and `folder` are paths. */
  readonly placeholder: string;
  accepts(value: unknown): boolean;
  /** Reads a text; undefined where it is not such a value. Absent from {@link onOff}. */
  readonly read?: ((text: string) => T | undefined) | undefined;
}

/** The type of a kind's values. */
export type ValueOf<K> = K extends Kind<infer T> ? T : never;

const largestInteger = 2 ** 31 - 1;

/** An integer from `min` to `max`, both included; `max` is that of a signed 32-bit integer by default. */
export function integer(
  bounds: { readonly min?: number; readonly max?: number } = {},
): Kind<number> {
  const { min = 0, max = largestInteger } = bounds;
  const maximum = max === largestInteger ? {} : { maximum: max };
  return readable({
    expected: `an integer from ${min} to ${max}`,
    schema: { type: 'integer', minimum: min, ...maximum },
    placeholder: 'n',
    accepts: (value) => Number.isInteger(value) && inside(value as number, { min, max }),
    parse: numberOf,
  });
}

export interface Bounds {
  /** The least value. */
  readonly min?: number | undefined;
  /** The greatest value. */
  readonly max?: number | undefined;
  /** Values are greater than this. */
  readonly above?: number | undefined;
  /** Values are less than this. */
  readonly below?: number | undefined;
}

/** A finite number within bounds. */
export function number(bounds: Bounds = {}): Kind<number> {
  const { min, max, above, below } = bounds;
  const limits = { minimum: min, exclusiveMinimum: above, maximum: max, exclusiveMaximum: below };
  const given = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  return readable({
    expected: numberInWords(bounds),
    schema: { type: 'number', ...Object.fromEntries(given) },
    placeholder: 'x',
    accepts: (value) => Number.isFinite(value) && inside(value as number, bounds),
    parse: numberOf,
  });
}

/** One of some words. */
export function choice<const W extends string>(words: readonly W[]): Kind<W> {
  return {
    expected: words.join(' or '),
    schema: { enum: words },
    choices: words,
    placeholder: 'name',
    accepts: (value) => (words as readonly unknown[]).includes(value),
    read: (text) => words.find((word) => word === text),
  };
}

/** Some words, or a value of another kind. */
export function wordOr<const W extends string, T>(
  words: W | readonly W[],
  other: Kind<T>,
): Kind<W | T> {
  const all: readonly W[] = typeof words === 'string' ? [words] : words;
  return {
    expected: `${all.join(', ')} or ${other.expected}`,
    schema: { anyOf: [...all.map((word) => ({ const: word })), other.schema] },
    placeholder: other.placeholder,
    accepts: (value) => (all as readonly unknown[]).includes(value) || other.accepts(value),
    read: (text) => all.find((word) => word === text) ?? other.read?.(text),
  };
}

/** True or false: an option that stands without a value. */
export function onOff(): Kind<boolean> {
  return {
    expected: 'true or false',
    schema: { type: 'boolean' },
    placeholder: '',
    accepts: (value) => typeof value === 'boolean',
  };
}

/** A value of another kind, or false for none: an option with a form that switches it off. */
export function orFalse<T>(other: Kind<T>): Kind<T | false> {
  return {
    ...other,
    expected: `${other.expected}, or false`,
    accepts: (value) => value === false || other.accepts(value),
  };
}

/** Any text: a name, an address. */
export function text(placeholder: string): Kind<string> {
  return {
    expected: 'a text',
    schema: { type: ['string', 'number'] },
    placeholder,
    accepts: (value) => typeof value === 'string',
    read: (given) => given,
  };
}

/**
 * A path, or a name or a URL instead, by `placeholder`.
 *
 * @param placeholder of the words `file`, `folder` and others, parted by `|`
 */
export function path(placeholder: string): Kind<string> {
  return { ...text(placeholder), expected: 'a path', schema: { type: 'string' } };
}

/** A kind whose values have a form of their own as text: `30d`, `5GB`, `1/4`. */
export function written<T>(
  form: Omit<Readable<T>, 'schema'> & Partial<Pick<Kind<T>, 'schema'>>,
): Kind<T> {
  return readable({ schema: { type: ['string', 'number'] }, ...form });
}

interface Readable<T> extends Omit<Kind<T>, 'read'> {
  /** What a text stands for, whether the kind accepts it or not. */
  parse(text: string): unknown;
}

/** A kind whose text is read by `parse` and then held to what the kind accepts. */
function readable<T>({ parse, ...kind }: Readable<T>): Kind<T> {
  const read = (given: string) => {
    const value = parse(given);
    return kind.accepts(value) ? (value as T) : undefined;
  };
  return { ...kind, read };
}

function numberOf(given: string): number {
  return given.trim() === '' ? Number.NaN : Number(given);
}

function inside(value: number, { min, max, above, below }: Bounds): boolean {
  return (
    value >= (min ?? Number.NEGATIVE_INFINITY) &&
    value <= (max ?? Number.POSITIVE_INFINITY) &&
    value > (above ?? Number.NEGATIVE_INFINITY) &&
    value < (below ?? Number.POSITIVE_INFINITY)
  );
}

function numberInWords({ min, max, above, below }: Bounds): string {
  const most = max === undefined ? below !== undefined && `below ${below}` : `at most ${max}`;
  if (min === undefined) {
    const parts = [above !== undefined && `above ${above}`, most].filter(Boolean);
    return parts.length > 0 ? `a number ${parts.join(' and ')}` : 'a finite number';
  }
  return most ? `a number from ${min} to ${max ?? most}` : `a number of at least ${min}`;
}
