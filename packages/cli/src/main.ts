import { createRequire } from 'node:module';
import { type Command, CommanderError } from 'commander';
import { CommandWithAliases } from './aliases.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addCacheCommand } from './commands/cache.ts';
import { addCheckCommand } from './commands/check.ts';
import { addCompareCommand } from './commands/compare.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEvaluateCommand } from './commands/evaluate.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addExportCommand } from './commands/export.ts';
import { addFeaturesCommand } from './commands/features.ts';
import { addFoldsCommand } from './commands/folds.ts';
import { addLearningCurveCommand } from './commands/learning-curve.ts';
import { addPredictCommand } from './commands/predict.ts';
import { addPullCommand } from './commands/pull.ts';
import { addServeCommand } from './commands/serve.ts';
import { addSetupCommand } from './commands/setup.ts';
import { addSweepCommand } from './commands/sweep.ts';
import { addTrainCommand } from './commands/train.ts';
import { errorDocument, printDocument } from './documents.ts';
import { type ExitCode, exitCode } from './exit-codes.ts';
import type { Runner } from './runner.ts';

const commands = [
  addDemoCommand,
  addCheckCommand,
  addFeaturesCommand,
  addTrainCommand,
  addFoldsCommand,
  addSweepCommand,
  addAuditCommand,
  addLearningCurveCommand,
  addCompareCommand,
  addEvaluateCommand,
  addPredictCommand,
  addExplainCommand,
  addServeCommand,
  addExportCommand,
  addPullCommand,
  addCacheCommand,
  addDoctorCommand,
  addSetupCommand,
  addCompletionCommand,
];

/** Runs the command line; sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const abort = abortOnSignals();
  goOnWithoutReaders();
  let code: ExitCode = exitCode.done;
  const runner: Runner =
    (run) =>
    async (...args) => {
      // With the library behind it, which help and wrong usage do not wait for.
      const { runCommand } = await import('./run-command.ts');
      code = await runCommand(abort.signal, args, run);
    };
  try {
    await createProgram(runner).parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    code = error.exitCode === 0 ? exitCode.done : exitCode.usage;
    if (code === exitCode.usage && argv.includes('--json')) {
      printDocument(errorDocument('USAGE', error.message.replace(/^error: /, '')));
    }
  }
  process.exitCode = code;
}

export function createProgram(runner: Runner): Command {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  const program = new CommandWithAliases('headstart')
    .description('A classifier of your own images in minutes.')
    .version(version)
    .showHelpAfterError('Run with --help to see what is possible.')
    .exitOverride();
  for (const add of commands) add(program, runner);
  return program;
}

/** The first Ctrl-C ends in order, the second one at once. */
function abortOnSignals(): AbortController {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller;
}

/**
 * A closed pipe ends nothing but what streams into it (see the `write` of `Ui`): a training goes on
 * when nobody reads its progress. Where results cannot be written otherwise, the reason is printed.
 */
function goOnWithoutReaders(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(`error: the output cannot be written: ${error.message}.\n`);
    process.exit(exitCode.failed);
  });
}
