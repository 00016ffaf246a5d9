import type { SetupCudaResult } from '@headstart/core';
import { setupOptions } from '@headstart/core/options';
import { Argument, type Command } from 'commander';
import { addCommonOptions, addOptions, type CommonOptions, type FlagValues } from '../options.ts';
import { noticesTo, type Runner } from '../runner.ts';

type SetupOptions = CommonOptions & FlagValues<typeof setupOptions>;

export function addSetupCommand(program: Command, runner: Runner): void {
  const command = program
    .command('setup')
    .description('install the libraries with which ONNX Runtime uses the GPU')
    .addArgument(new Argument('<what>', 'cuda: for CUDA 13 and cuDNN 9').choices(['cuda']));
  addOptions(command, setupOptions);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, _what: string, options: SetupOptions) => {
      const { setupCuda } = await import('@headstart/core');
      const { undo } = options;
      const result = await setupCuda({ ...options, signal, onNotice: noticesTo(ui) });
      ui.result(result, setupText(result, undo === true));
      return undefined;
    }),
  );
}

function setupText({ directory, files, missing }: SetupCudaResult, undo: boolean): string {
  if (undo) {
    return files.length > 0 ? `Removed: ${files.join(', ')}` : 'There was nothing to remove.';
  }
  const lines = [`In ${directory}: ${files.join(', ')}`];
  if (missing === undefined) {
    lines.push('On this system it cannot be checked whether CUDA 13 and cuDNN 9 are installed.');
  } else if (missing.length > 0) {
    lines.push('Still missing:', ...missing.map((one) => `  ${one.library}: ${one.advice}`));
  } else {
    lines.push(
      'CUDA, cuDNN and the driver are here. Features are computed on the GPU from now on.',
    );
  }
  return lines.join('\n');
}
