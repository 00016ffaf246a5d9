import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { HeadstartError, reasonOf } from '@headstart/core';
import { Command, type Option } from 'commander';
import { aliasOf } from './aliases.ts';
import {
  allCommands,
  type CommandDescription,
  describeProgram,
  isPath,
  lastWord,
  type OptionDescription,
} from './command-tree.ts';

/** The file that is read where no other is named. */
export const configFileName = 'headstart.json';

/** Names that stand for no option of a command in the file. */
export const notInFile = new Set(['config', 'no-config', 'help', 'version']);

type Section = Readonly<Record<string, unknown>>;

/** What a file of options set. */
export interface AppliedConfig {
  readonly path: string;
  /** As they would stand on the command line. */
  readonly flags: readonly string[];
}

/**
 * Sets the options that a file gives by their names, where neither the command line nor the
 * environment does: the file that `--config` names, or else headstart.json in the working folder.
 * Names stand at the top, for every command that has the option, or in an object with a command's
 * name, for that one alone. Paths are relative to the file.
 *
 * @returns undefined where there is no file, or nothing for this command in it
 * @throws HeadstartError `USAGE` naming the file and what is wrong in it
 */
export async function applyConfigFile(command: Command): Promise<AppliedConfig | undefined> {
  const { config } = command.opts<{ config?: string | boolean }>();
  if (config === false || !command.options.some(({ long }) => long === '--config'))
    return undefined;
  const path = typeof config === 'string' ? config : configFileName;
  const file = await readSection(path, typeof config === 'string');
  if (!file) return undefined;
  const program = rootOf(command);
  checkNames(path, [], file, describeProgram(program));
  const flags = new Map<string, string>();
  for (const [name, value] of settingsFor(command, file)) {
    const set = setOption(command, path, name, value);
    if (set) flags.set(set.key, set.flag);
  }
  return flags.size > 0 ? { path, flags: [...flags.values()] } : undefined;
}

async function readSection(path: string, needed: boolean): Promise<Section | undefined> {
  let text: string;
  try {
    // Reading a pipe might never end.
    if (!(await stat(path)).isFile()) throw new Error('it is not a regular file');
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (!needed && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw wrong(path, `it cannot be read: ${reasonOf(error)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw wrong(path, `it is not JSON: ${reasonOf(error)}`);
  }
  if (!isSection(value)) throw wrong(path, 'it must hold an object: { "batch-size": 64 }');
  return value;
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(path: string, what: string): HeadstartError {
  return new HeadstartError('USAGE', `${path}: ${what}.`);
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command;
}

/** Names of the command and those above it, without the program's. */
function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : [];
}

/** Refuses names that no command has: at the top, all options may stand. */
function checkNames(path: string, place: string[], section: Section, command: CommandDescription) {
  const options = optionNames(command);
  for (const [name, value] of Object.entries(section)) {
    if (place.length === 0 && name === '$schema') continue;
    if (isSection(value)) {
      const full = [...place, name].join(' ');
      const child = command.commands.find((one) => one.name === full);
      const commands = command.commands.map((one) => lastWord(one.name));
      if (!child) throw unknown(path, `there is no command "${full}"`, name, commands);
      checkNames(path, [...place, name], value, child);
    } else if (!options.includes(name)) {
      const owner = place.length > 0 ? `headstart ${place.join(' ')}` : 'no command';
      const text =
        place.length > 0 ? `${owner} has no option "${name}"` : `${owner} has an option "${name}"`;
      throw unknown(path, text, name, options);
    }
  }
}

/** Options of a command and of those below it, by the names that the file has for them. */
function optionNames(command: CommandDescription): string[] {
  const all = allCommands(command).flatMap(({ options }) => options);
  const names = all.flatMap((option) => namesOf(option));
  return [...new Set(names)].filter((name) => !notInFile.has(name));
}

/** `--no-flip` is `"no-flip": true` and `"flip": false`. */
export function namesOf({ flag, negates }: OptionDescription): string[] {
  const name = flag.replace(/^--/, '');
  return negates ? [name, name.replace(/^no-/, '')] : [name];
}

function unknown(path: string, what: string, name: string, names: readonly string[]) {
  const near = aliasOf(name, names) ?? nearest(name, names);
  return wrong(path, near ? `${what} (did you mean "${near}"?)` : what);
}

/** The name that commander would suggest for a misspelt one. */
function nearest(name: string, names: readonly string[]): string | undefined {
  let said = '';
  const guess = new Command().exitOverride().configureOutput({
    writeErr: (text) => {
      said += text;
    },
  });
  for (const known of names) guess.option(`--${known}`);
  try {
    guess.parse([`--${name}`], { from: 'user' });
  } catch {
    return /Did you mean (?:one of )?--([^\s,?]+)/.exec(said)?.[1];
  }
  return undefined;
}

/** The file's options for a command, from the general to its own: what comes later counts. */
function settingsFor(command: Command, file: Section): [string, unknown][] {
  const names = new Set(command.options.map(({ long }) => long?.replace(/^--(no-)?/, '')));
  const plain = (section: Section) =>
    Object.entries(section).filter(
      ([name, value]) => !isSection(value) && names.has(name.replace(/^no-/, '')),
    );
  const settings = plain(file);
  let section: Section = file;
  for (const name of pathOf(command)) {
    const inner = section[name];
    if (!isSection(inner)) break;
    section = inner;
    settings.push(...plain(section));
  }
  return settings;
}

/** Sets one option and gives it as a flag; undefined where the user gave it otherwise. */
function setOption(command: Command, path: string, name: string, value: unknown) {
  const plain = command.options.find(({ long }) => long === `--${name}`);
  const negated = command.options.find(({ long }) => long === `--no-${name}`);
  // `"folds": false` is --no-folds, though --folds takes a number.
  const option = value === false && negated ? negated : (plain ?? negated);
  if (!option) return undefined;
  const key = option.attributeName();
  if (isGiven(command, option)) return undefined;
  const isSwitch = option.isBoolean() || option.negate;
  const set = isSwitch
    ? switchSetting(option, path, name, value)
    : valueSetting(option, path, name, value);
  command.setOptionValueWithSource(key, set.value, 'config');
  return { key, flag: set.flag };
}

/** Whether the command line or the environment gives it; an empty variable does not count. */
function isGiven(command: Command, option: Option): boolean {
  const source = command.getOptionValueSource(option.attributeName());
  if (source === 'env') return Boolean(process.env[option.envVar ?? '']);
  return source !== undefined && source !== 'default' && source !== 'config';
}

/** `"flip": false` and `"no-flip": true` are the same. */
function switchSetting(option: Option, path: string, name: string, value: unknown) {
  if (typeof value !== 'boolean') throw wrong(path, `"${name}" must be true or false`);
  const on = option.negate && option.long === `--${name}` ? !value : value;
  return {
    value: on,
    flag: on ? `--${name.replace(/^no-/, '')}` : `--no-${name.replace(/^no-/, '')}`,
  };
}

function valueSetting(option: Option, path: string, name: string, value: unknown) {
  const texts = (Array.isArray(value) ? value : [value]).map((one) => {
    if (typeof one !== 'string' && typeof one !== 'number') {
      throw wrong(path, `"${name}" must be a string or a number`);
    }
    const text = String(one);
    return isPath(option.flags, text) ? resolve(dirname(path), text) : text;
  });
  if (texts.length !== 1 && !option.variadic) throw wrong(path, `"${name}" takes one value`);
  const flag = `--${name} ${texts.join(' ')}`;
  const parse = option.parseArg as ((text: string, previous: unknown) => unknown) | undefined;
  if (!parse) return { value: option.variadic ? texts : texts[0], flag };
  try {
    return { value: texts.reduce<unknown>((parsed, text) => parse(text, parsed), undefined), flag };
  } catch (error) {
    throw wrong(path, `"${name}" is ${texts.join(', ')}. ${reasonOf(error).replace(/\.$/, '')}`);
  }
}
