import { exportJob } from '@headstart/core';
import type { Command } from 'commander';
import { addCommonOptions, type CommonOptions } from '../options.ts';
import type { Runner } from '../runner.ts';

interface ExportOptions extends CommonOptions {
  readonly out?: string;
  readonly backbone?: string;
}

export function addExportCommand(program: Command, runner: Runner): void {
  const command = program
    .command('export')
    .description('write one ONNX file: uint8 image in, probabilities and label out')
    .argument('<run>', 'run folder')
    .option('--out <file>', 'where to write (default: <name of the run>.onnx)')
    .option('--backbone <file>', 'the backbone, for a run that was trained on a feature file');
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, run: string, options: ExportOptions) => {
      const result = await exportJob({ ...options, run, signal });
      ui.result(
        result,
        `Written: ${result.file}\nInput image: uint8 [N, height, width, 3] RGB; outputs probabilities [N, ${result.classes.length}] and label [N].`,
      );
      return undefined;
    }),
  );
}
