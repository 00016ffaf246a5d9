import type { Argument, Command, Option } from 'commander';
import type { ValueSchema } from './options.ts';

/**
 * The command line as data, read off commander's tree: what the reference, the schema of
 * headstart.json and the completion of shells are made from.
 */
export interface CommandDescription {
  /** `cache verify`; empty for the program itself. */
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly ArgumentDescription[];
  readonly options: readonly OptionDescription[];
  readonly commands: readonly CommandDescription[];
}

/** What may stand in a place of the command line. */
export interface PlaceDescription {
  readonly choices: readonly string[];
  /** Which paths it may be: files (and folders on the way), folders only, or none. */
  readonly paths: 'file' | 'folder' | undefined;
  readonly variadic: boolean;
}

export interface ArgumentDescription extends PlaceDescription {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
}

export interface OptionDescription {
  /** As on the command line: `--learning-rate`. */
  readonly flag: string;
  /** `--learning-rate <x>` */
  readonly flags: string;
  readonly description: string;
  /** Where commander keeps it: `learningRate`. */
  readonly key: string;
  /** Of the kind `--no-flip`: sets `flip` to false. */
  readonly negates: boolean;
  /** The value behind the flag; undefined for a switch. */
  readonly value: (PlaceDescription & { readonly schema: ValueSchema }) | undefined;
  /** The default as people read it. */
  readonly default: string | undefined;
  readonly environment: string | undefined;
}

export function describeProgram(program: Command): CommandDescription {
  return describe(program, []);
}

function describe(command: Command, path: readonly string[]): CommandDescription {
  const help = command.createHelp();
  return {
    name: path.join(' '),
    description: command.description(),
    arguments: command.registeredArguments.map(describeArgument),
    options: help.visibleOptions(command).map(describeOption),
    commands: help
      .visibleCommands(command)
      .filter((child) => child.name() !== 'help')
      .map((child) => describe(child, [...path, child.name()])),
  };
}

function describeArgument(argument: Argument): ArgumentDescription {
  const choices = argument.argChoices ?? [];
  return {
    name: argument.name(),
    description: argument.description,
    required: argument.required,
    variadic: argument.variadic,
    choices,
    paths: choices.length > 0 ? undefined : 'file',
  };
}

function describeOption(option: Option): OptionDescription {
  const flag = option.long ?? option.flags;
  const given = option.defaultValueDescription ?? option.defaultValue;
  return {
    flag,
    flags: option.flags,
    description: option.description,
    key: option.attributeName(),
    negates: option.negate,
    value: option.isBoolean() || option.negate ? undefined : describeValue(option),
    default: given === undefined || typeof given === 'boolean' ? undefined : String(given),
    environment: option.envVar,
  };
}

function describeValue(option: Option) {
  const choices = option.argChoices ?? [];
  const [, placeholder = ''] = /[<[]([^>\]]+)/.exec(option.flags) ?? [];
  const words = placeholder.replace(/\.\.\.$/, '').split('|');
  const paths = words.includes('file') ? 'file' : words.includes('folder') ? 'folder' : undefined;
  const own = (option.parseArg as { readonly schema?: ValueSchema } | undefined)?.schema;
  const schema: ValueSchema =
    choices.length > 0
      ? { enum: choices }
      : (own ?? { type: paths ? 'string' : ['string', 'number'] });
  return { choices, paths, variadic: option.variadic, schema } as const;
}

/**
 * Whether an option's value is a path: what its placeholder calls a file or folder. Where it may be
 * a name or a URL as well (`<name|file>`), one with a dot or a separator that is not a URL.
 */
export function isPath(flags: string, value: string): boolean {
  const words = (/[<[]([^>\].]+)/.exec(flags)?.[1] ?? '').split('|');
  const isFile = (word: string) => word === 'file' || word === 'folder';
  if (!words.some(isFile)) return false;
  return (
    words.every(isFile) || (/[./\\]/.test(value) && !/^(?:hf:|[a-z][a-z\d+.-]+:\/\/)/i.test(value))
  );
}

/** A command and all below it. */
export function allCommands(command: CommandDescription): CommandDescription[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** `cache verify` → `verify`, as it is typed behind the words before. */
export function lastWord(name: string): string {
  return name.split(' ').at(-1) ?? '';
}
