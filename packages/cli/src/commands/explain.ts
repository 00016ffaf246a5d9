import type { ExplainItem } from '@headstart/core';
import { explainOptions, plural } from '@headstart/core/options';
import type { Command } from 'commander';
import { exitCode } from '../exit-codes.ts';
import type { Failure } from '../failure.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  addOptions,
  type CommonOptions,
  type DeviceOptions,
  type FlagValues,
  strictOption,
} from '../options.ts';
import { type CommandContext, noticesTo, type Runner } from '../runner.ts';
import { percent, table } from '../table.ts';

interface ExplainOptions extends CommonOptions, DeviceOptions, FlagValues<typeof explainOptions> {
  readonly strict?: boolean;
}

export function addExplainCommand(program: Command, runner: Runner): void {
  const command = program
    .command('explain')
    .description('show where in an image a run sees a class (Grad-CAM), as PNG files')
    .argument('<run>', 'run folder')
    .argument('<image...>', 'files, folders, globs, URLs, or - for a list on stdin, one per line');
  addOptions(command, { ...explainOptions, ...strictOption('where an image cannot be read') });
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner((context, run: string, images: string[], options: ExplainOptions) =>
      explain(context, run, images, options),
    ),
  );
}

async function explain(
  { ui, signal }: CommandContext,
  run: string,
  images: readonly string[],
  options: ExplainOptions,
) {
  const { explainImages } = await import('@headstart/core');
  const { failureOf } = await import('../failure.ts');
  const { expandInputs } = await import('../inputs.ts');
  const items: ExplainItem[] = [];
  // A list that goes on must not keep a program that has ended.
  const over = new AbortController();
  const job = explainImages({
    ...options,
    run,
    images: expandInputs(images, { signal: AbortSignal.any([signal, over.signal]) }),
    signal,
    onProgress: ui.onProgress,
    onNotice: noticesTo(ui),
  });
  let failure: Failure | undefined;
  try {
    for await (const item of job) items.push(item);
  } catch (error) {
    // Where there is nothing to show, the failure alone is the answer.
    if (items.length === 0) throw error;
    failure = failureOf(error, signal);
  } finally {
    over.abort();
  }
  ui.result(
    { run, images: [...items.map(document), ...(failure ? [failure.document] : [])] },
    table(['image', 'class', 'probability', 'picture'], items.map(row)),
  );
  if (!failure) return outcome(ui, items, options.strict === true);
  ui.warn(signal.aborted ? `Interrupted after ${plural(items.length, 'image')}.` : failure.text);
  return failure.exitCode;
}

function outcome(ui: CommandContext['ui'], items: readonly ExplainItem[], strict: boolean) {
  const unreadable = items.filter((item) => 'error' in item).length;
  if (unreadable > 0 && unreadable === items.length) {
    ui.warn(`error: none of the ${plural(unreadable, 'image')} could be read.`);
    return exitCode.failed;
  }
  if (unreadable > 0) ui.warn(`warning: ${plural(unreadable, 'image')} could not be read.`);
  return strict && unreadable > 0 ? exitCode.filesSkipped : undefined;
}

/** One image as scripts read it; the map as rows of numbers. */
function document(item: ExplainItem): Record<string, unknown> {
  if ('error' in item) return { file: item.name, error: item.error };
  const { name, label, probability, predicted, out, map } = item;
  const rows = Array.from({ length: map.height }, (_, y) =>
    Array.from(map.values.subarray(y * map.width, (y + 1) * map.width)),
  );
  return { file: name, label, probability, predicted, out, map: rows };
}

function row(item: ExplainItem): string[] {
  if ('error' in item) return [item.name, '–', '', `not read: ${item.error}`];
  const { name, label, probability, predicted, out } = item;
  const other = label === predicted.label ? '' : ` (predicted: ${predicted.label})`;
  return [name, `${label}${other}`, percent(probability), out];
}
