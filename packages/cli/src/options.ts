import { type DeviceChoice, defaultDirectories, deviceChoices } from '@headstart/core';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** What an option's value may be, as JSON Schema: for the schema of headstart.json. */
export type ValueSchema = Readonly<Record<string, unknown>>;

/** Reads an option's value, and says what it takes. */
export interface Parser<T> {
  (text: string): T;
  readonly schema: ValueSchema;
}

function parser<T>(schema: ValueSchema, parse: (text: string) => T): Parser<T> {
  return Object.assign((text: string) => parse(text), { schema });
}

/** A whole number of at least `minimum`. */
export function wholeNumber(minimum: number): Parser<number> {
  return parser({ type: 'integer', minimum }, (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < minimum || text.trim() === '') {
      throw new InvalidArgumentError(`Give a whole number, ${minimum} or more.`);
    }
    return value;
  });
}

/** A number with `minimum` ≤ value ≤ `maximum` (or < with `open`). */
export function numberBetween(
  minimum: number,
  maximum: number,
  { open = false }: { readonly open?: boolean } = {},
): Parser<number> {
  const limit =
    maximum === Number.MAX_VALUE ? {} : { [open ? 'exclusiveMaximum' : 'maximum']: maximum };
  return parser({ type: 'number', minimum, ...limit }, (text) => {
    const value = Number(text);
    const inside = value >= minimum && (open ? value < maximum : value <= maximum);
    if (text.trim() === '' || !Number.isFinite(value) || !inside) {
      const range =
        maximum === Number.MAX_VALUE ? `${minimum} or more` : `${minimum} to ${maximum}`;
      throw new InvalidArgumentError(`Give a number, ${range}${open ? ' (excluded)' : ''}.`);
    }
    return value;
  });
}

/** A number above zero. */
export const positiveNumber = parser({ type: 'number', exclusiveMinimum: 0 }, (text) => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('Give a number above 0.');
  }
  return value;
});

/** A share of a whole, above 0 and at most 1: `1%` or `0.01`. */
export const share = parser(
  {
    anyOf: [
      { type: 'number', exclusiveMinimum: 0, maximum: 1 },
      { type: 'string', pattern: '^\\d*\\.?\\d+ ?%$' },
    ],
  },
  (text) => {
    const [, digits, sign] = /^\s*(\d*\.?\d+)\s*(%?)\s*$/.exec(text) ?? [];
    const value = Number(digits) / (sign === '%' ? 100 : 1);
    if (digits === undefined || !(value > 0 && value <= 1)) {
      throw new InvalidArgumentError('Give a share above 0, as 1% or 0.01, of at most 100%.');
    }
    return value;
  },
);

/** An age in days: `30d`, `30`, `4w`, `12h`. */
export function days(text: string): number {
  const [, digits, unit] = /^\s*(\d*\.?\d+)\s*([hdw]?)\s*$/i.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError('Give an age as 30d, 4w or 12h.');
  const inDays = { h: 1 / 24, d: 1, w: 7 }[(unit || 'd').toLowerCase()] as number;
  return Number(digits) * inDays;
}

/** A size in bytes: `5GB`, `500 MB`, `2GiB`; without a unit, bytes. */
export function bytes(text: string): number {
  const [, digits, unit = ''] = /^\s*(\d*\.?\d+)\s*([kmgt]i?b?|b)?\s*$/i.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError('Give a size as 500MB or 5GB.');
  const power = 'bkmgt'.indexOf(unit[0]?.toLowerCase() ?? 'b');
  return Math.floor(Number(digits) * (/i/i.test(unit) ? 1024 : 1000) ** power);
}

/** `word`, or a whole number of at least `minimum`. */
export function wordOrCount<W extends string>(word: W, minimum: number): Parser<W | number> {
  const count = wholeNumber(minimum);
  return parser({ anyOf: [{ const: word }, count.schema] }, (text) => {
    if (text === word) return word;
    try {
      return count(text);
    } catch {
      throw new InvalidArgumentError(`Give ${word} or a whole number, ${minimum} or more.`);
    }
  });
}

export function optionWithDefault<T>(
  flags: string,
  text: string,
  parse: (text: string) => T,
  value: T,
): Option {
  return new Option(flags, text).argParser(parse).default(value);
}

/** The options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly cacheDir: string;
  readonly modelsDir: string;
  /** A file, or false: none. */
  readonly config?: string | boolean;
}

export function addCommonOptions(command: Command): Command {
  const { cacheDir, modelsDir } = defaultDirectories();
  return command
    .option('--json', 'print one JSON document on stdout; progress goes to stderr')
    .option('--quiet', 'print results and warnings only')
    .addOption(
      folderOption('--cache-dir <folder>', 'the feature cache', cacheDir).env(cacheVariable),
    )
    .addOption(
      folderOption('--models-dir <folder>', 'backbone files', modelsDir).env(modelsVariable),
    )
    .option(
      '--config <file>',
      'options by name, from a JSON file (default: headstart.json, if there)',
    )
    .option('--no-config', 'do not read headstart.json');
}

const cacheVariable = 'HEADSTART_CACHE_DIR';
const modelsVariable = 'HEADSTART_MODELS_DIR';

/** An option that an environment variable gives; an empty one gives the default. */
function folderOption(flags: string, text: string, fallback: string): Option {
  return new Option(flags, text)
    .argParser((folder) => folder || fallback)
    .default(fallback, 'the user’s cache folder');
}

/** The options that choose where the backbone and the trainer run. */
export interface DeviceOptions {
  readonly device: DeviceChoice;
  readonly requireGpu?: boolean;
  readonly tf32: boolean;
  readonly threads?: number;
}

/** Tells cuDNN of `--no-tf32`, in the environment that it reads when it is loaded. */
export function setTf32(command: Command): void {
  if (command.opts<Partial<DeviceOptions>>().tf32 === false) process.env.NVIDIA_TF32_OVERRIDE = '0';
}

export function addDeviceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--device <name>', 'where to compute').choices([...deviceChoices]).default('auto'),
    )
    .option('--no-tf32', 'features on an NVIDIA GPU: keep all digits of float32')
    .option('--require-gpu', 'fail with exit code 5 rather than fall back to the CPU')
    .addOption(
      new Option('--threads <n>', 'CPU threads (default: one a core)').argParser(wholeNumber(1)),
    );
}
