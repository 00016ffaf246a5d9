import {
  deviceOptions,
  type EntryValue,
  folderOptions,
  type Kind,
  number,
  type OptionEntry,
  type OptionTable,
  onOff,
  option,
  path,
  threadsOption,
} from '@headstart/core/options';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** What an option's value may be, as JSON Schema: for the schema of headstart.json. */
export type ValueSchema = Readonly<Record<string, unknown>>;

/** Reads an option's value, and gives what it takes. */
export interface Parser<T> {
  (text: string): T;
  readonly schema: ValueSchema;
}

/** The name under which commander keeps an option: that of its flag. */
type Attribute<Name, E> = E extends { readonly flag: infer F extends string } ? F : Name;

type HasValue = { readonly default: unknown } | { readonly kind: Kind<boolean>; helpOff: string };

/** The options of a table as commander gives them. */
export type FlagValues<Table> = {
  readonly [Name in keyof Table as Attribute<Name, Table[Name]>]: Table[Name] extends HasValue
    ? EntryValue<Table[Name]>
    : EntryValue<Table[Name]> | undefined;
};

/** Gives a command the flags of a table, in its order. */
export function addOptions(command: Command, table: OptionTable): Command {
  for (const [name, entry] of Object.entries(table)) {
    const flag = flagOf(entry.flag ?? name);
    if (entry.help !== undefined) command.addOption(commanderOption(flag, entry));
    if (entry.helpOff !== undefined) command.option(`--no-${flag}`, entry.helpOff);
  }
  return command;
}

/** `learningRate` → `learning-rate`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function commanderOption(flag: string, entry: OptionEntry): Option {
  const { kind, help = '', implied, short, environment } = entry;
  const value = kind.read ? ` <${entry.placeholder ?? kind.placeholder}>` : '';
  const showsImplied = implied !== undefined && implied !== false;
  const made = new Option(
    `${short ? `-${short}, ` : ''}--${flag}${value}`,
    showsImplied ? `${help} (default: ${implied})` : help,
  );
  if (kind.choices) made.choices(kind.choices);
  else if (kind.read) made.argParser(parserOf(kind));
  if (entry.default !== undefined) made.default(entry.default, entry.defaultText);
  return environment ? made.env(environment) : made;
}

function parserOf<T>({ read, expected, schema }: Kind<T>): Parser<T> {
  const parse = (text: string): T => {
    const value = read?.(text);
    if (value === undefined) throw new InvalidArgumentError(`Give ${expected}.`);
    return value;
  };
  return Object.assign(parse, { schema });
}

const outputOptions = {
  json: option(onOff(), { help: 'print one JSON document on stdout; progress goes to stderr' }),
  quiet: option(onOff(), { help: 'print results and warnings only' }),
} as const;

const configOption = {
  /** A file, or false: none. */
  config: option(path('file'), {
    help: 'options by name, from a JSON file (default: headstart.json, if there)',
    helpOff: 'do not read headstart.json',
  }),
} as const;

/** The options that every command has. */
export interface CommonOptions extends Partial<FlagValues<typeof outputOptions>> {
  readonly cacheDir?: string;
  readonly modelsDir?: string;
}

const folders = ['cacheDir', 'modelsDir'] as const;

export function addCommonOptions(command: Command): Command {
  addOptions(command, outputOptions);
  for (const name of folders) {
    addOptions(command, {
      [name]: {
        ...folderOptions[name],
        default: '',
        defaultText: 'the user’s cache folder',
        environment: name === 'cacheDir' ? 'HEADSTART_CACHE_DIR' : 'HEADSTART_MODELS_DIR',
      },
    });
  }
  return addOptions(command, configOption);
}

/** A command's options; a folder that is empty, as by an empty variable, is left to the library. */
export function optionsOf(command: Command): Readonly<Record<string, unknown>> {
  const isLeft = ([name, value]: [string, unknown]) =>
    value === '' && (folders as readonly string[]).includes(name);
  return Object.fromEntries(Object.entries(command.opts()).filter((entry) => !isLeft(entry)));
}

const { device, requireGpu } = deviceOptions;
const deviceTable = {
  device,
  tf32: option(onOff(), { helpOff: 'features on an NVIDIA GPU: keep all digits of float32' }),
  requireGpu,
  ...threadsOption,
} as const;

/** The options that choose where the backbone and the trainer run. */
export type DeviceOptions = FlagValues<typeof deviceTable>;

/** Tells cuDNN of `--no-tf32`, in the environment that it reads when it is loaded. */
export function setTf32(command: Command): void {
  if (command.opts<Partial<DeviceOptions>>().tf32 === false) process.env.NVIDIA_TF32_OVERRIDE = '0';
}

export function addDeviceOptions(command: Command): Command {
  return addOptions(command, deviceTable);
}

/** `--strict`, of commands that may leave files out. */
export function strictOption(where = 'where files were skipped') {
  return { strict: option(onOff(), { help: `exit with code 3 ${where}` }) };
}

/** `--assert-accuracy-at-least`, of commands that measure. */
export function accuracyFloorOption(which: string) {
  const kind = number({ min: 0, max: 1 });
  return { assertAccuracyAtLeast: option(kind, { help: `exit with code 4 below this ${which}` }) };
}
