import type { Command } from 'commander';
import { addCommonOptions, addDeviceOptions, addOptions, strictOption } from '../options.ts';
import type { Runner } from '../runner.ts';
import { type PredictOptions, predictOptions } from './predict-options.ts';

export function addPredictCommand(program: Command, runner: Runner): void {
  const command = program
    .command('predict')
    .description('label images with a trained run')
    .argument('<run>', 'run folder')
    .argument('[input...]', 'files, folders, globs, URLs, or - for a list on stdin, one per line');
  addOptions(command, { ...predictOptions, ...strictOption('where an input cannot be read') });
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async (context, run: string, inputs: string[], options: PredictOptions) => {
      const { predict } = await import('./label-images.ts');
      return predict(context, run, inputs, options);
    }),
  );
}
