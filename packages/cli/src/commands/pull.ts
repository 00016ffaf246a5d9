import { pullOptions } from '@headstart/core/options';
import type { Command } from 'commander';
import { addCommonOptions, addOptions, type CommonOptions, type FlagValues } from '../options.ts';
import type { Runner } from '../runner.ts';

type PullOptions = CommonOptions & FlagValues<typeof pullOptions>;

export function addPullCommand(program: Command, runner: Runner): void {
  const command = program
    .command('pull')
    .description('fetch a backbone and verify it: VGG16, or a model of Hugging Face')
    .argument('[name]', 'which backbone: vgg16, or hf:ORG/NAME[@REVISION]', 'vgg16');
  addOptions(command, pullOptions);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, name: string, options: PullOptions) => {
      const { pullWeights } = await import('@headstart/core');
      const file = await pullWeights({
        ...options,
        name,
        signal,
        onProgress: ui.onProgress,
      });
      ui.result(
        file,
        [
          `${file.name} is ready: ${file.path}`,
          `Preprocessing ${file.preprocessing}, sha256 ${file.sha256}`,
          ...(file.revision
            ? [`Commit ${file.revision}, licence ${file.license ?? 'unknown'}`]
            : []),
        ].join('\n'),
      );
      return undefined;
    }),
  );
}
