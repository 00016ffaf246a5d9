import { pullJob } from '@headstart/core';
import { type Command, Option } from 'commander';
import { addCommonOptions, type CommonOptions } from '../options.ts';
import type { Runner } from '../runner.ts';

interface PullOptions extends CommonOptions {
  readonly from?: string;
  readonly preprocess?: 'caffe' | 'torch' | 'rescale';
}

export function addPullCommand(program: Command, runner: Runner): void {
  const command = program
    .command('pull')
    .description('fetch the weights of VGG16, verify them and write the backbone file')
    .argument('[name]', 'which backbone: vgg16', 'vgg16')
    .option('--from <url|file>', 'a URL or file: Keras .h5, or torchvision/timm .safetensors')
    .addOption(
      new Option(
        '--preprocess <how>',
        'preprocessing (default: what the weights were trained with)',
      ).choices(['caffe', 'torch', 'rescale']),
    );
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, name: string, options: PullOptions) => {
      const file = await pullJob({
        ...options,
        name,
        signal,
        onProgress: ui.onProgress,
      });
      ui.result(
        file,
        `${file.name} is ready: ${file.path}\nPreprocessing ${file.preprocessing}, sha256 ${file.sha256}`,
      );
      return undefined;
    }),
  );
}
