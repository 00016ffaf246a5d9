import type { Command } from 'commander';
import { applyConfigFile } from './config-file.ts';
import { printDocument } from './documents.ts';
import { type ExitCode, exitCode } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import { optionsOf, setTf32 } from './options.ts';
import type { Runner } from './runner.ts';
import { createUi, type UiOptions } from './ui.ts';

/** Runs what a command does, with the options of the file, and reports how it failed. */
export async function runCommand(
  signal: AbortSignal,
  args: readonly unknown[],
  run: Parameters<Runner>[0],
): Promise<ExitCode> {
  const command = args.at(-1) as Command;
  let ui = createUi(command.opts<UiOptions>());
  try {
    const config = await applyConfigFile(command);
    setTf32(command);
    ui = createUi(command.opts<UiOptions>());
    if (config) ui.info(`From ${config.path}: ${config.flags.join(' ')}`);
    // Commander passes arguments, options, command: the options may be other ones now.
    return (
      (await run({ ui, signal }, ...args.slice(0, -2), optionsOf(command), command)) ??
      exitCode.done
    );
  } catch (error) {
    ui.finish();
    const failure = failureOf(error, signal);
    ui.warn(failure.text);
    if (ui.json) printDocument(failure.document);
    return failure.exitCode;
  } finally {
    ui.finish();
  }
}
