import type { HeadstartError } from '@headstart/core';
import * as tables from '@headstart/core/options';
import { flagOf } from './options.ts';

/** What does on the command line what a function of the library does. */
export const commandOfFunction: Readonly<Record<string, string>> = {
  auditLabels: 'headstart audit',
  checkDataset: 'headstart check',
  collectCacheGarbage: 'headstart cache gc',
  doctor: 'headstart doctor',
  evaluate: 'headstart evaluate',
  exportCache: 'headstart cache export',
  exportModel: 'headstart export',
  pullWeights: 'headstart pull',
  setupCuda: 'headstart setup cuda',
};

/** Tables whose options are parts of one option of the library. */
const parts = {
  earlyStopping: tables.stoppingOptions,
  learningRateSchedule: tables.scheduleOptions,
  augment: tables.augmentOptions,
} as const;

/** The flag of each option, by its name in the library. */
const flags = new Map<string, string>();
const ownNames = new Set<unknown>([tables.stoppingOptions, tables.scheduleOptions]);
for (const table of Object.values(tables)) if (!ownNames.has(table)) addFlags(table, '');
for (const [name, table] of Object.entries(parts)) addFlags(table, `${name}.`);

function addFlags(table: unknown, prefix: string): void {
  for (const [name, entry] of Object.entries(table as tables.OptionTable)) {
    if (entry?.kind !== undefined) flags.set(`${prefix}${name}`, `--${flagOf(entry.flag ?? name)}`);
  }
}

/**
 * A sentence of the library in the words of the command line: options, which stand in it by their
 * names in backticks, as flags, and functions as commands.
 */
export function inFlags(text: string): string {
  return text
    .replace(/`(\w+)` is false/g, (all, name: string) => {
      const flag = flags.get(name);
      return flag ? `--no-${flag.slice(2)} was given` : all;
    })
    .replace(/`([\w.]+)`/g, (all, name: string) => flags.get(name) ?? all)
    .replace(/`(\w+)\(\)`/g, (all, name: string) => {
      const command = commandOfFunction[name];
      return command === undefined ? all : `\`${command}\``;
    });
}

/** The message of an error of the library. */
export function messageInFlags({ message, option }: HeadstartError): string {
  const flag = option === undefined ? undefined : flags.get(option);
  const said = flag ? message.replace(`The option ${option} `, `The option ${flag} `) : message;
  return inFlags(said);
}
