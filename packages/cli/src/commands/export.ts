import { type ExportResult, exportJob } from '@headstart/core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { addCommonOptions, type CommonOptions, wholeNumber } from '../options.ts';
import type { Runner } from '../runner.ts';

interface ExportOptions extends CommonOptions {
  readonly out?: string;
  readonly backbone?: string;
  readonly precision?: 'fp32' | 'int8';
  readonly images?: string;
  readonly license?: string;
  readonly threads?: number;
}

/** An identifier as model hubs have them: `mit`, `cc-by-4.0`. */
function licenseName(text: string): string {
  if (/^[a-z0-9][a-z0-9.+-]*$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Give an identifier, as mit or cc-by-4.0.');
}

export function addExportCommand(program: Command, runner: Runner): void {
  const command = program
    .command('export')
    .description('write one ONNX file: uint8 image in, probabilities and label out')
    .argument('<run>', 'run folder')
    .option(
      '--out <path>',
      'NAME.onnx, or a folder for the model with its card, as model hubs take it (default: <name of the run>.onnx)',
    )
    .option('--backbone <file>', 'the backbone, for a run that was trained on a feature file')
    .addOption(
      new Option(
        '--precision <kind>',
        'fp32, or int8: the backbone’s convolutions in 8 bits (default: as the run was trained)',
      ).choices(['fp32', 'int8']),
    )
    .option('--images <folder>', 'for int8: images to measure on (default: the training data)')
    .addOption(
      new Option('--license <id>', 'for the model card (default: unknown)').argParser(licenseName),
    )
    .addOption(
      new Option('--threads <n>', 'CPU threads (default: one a core)').argParser(wholeNumber(1)),
    );
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, run: string, options: ExportOptions) => {
      const result = await exportJob({ ...options, run, signal, onProgress: ui.onProgress });
      ui.result(result, exportText(result));
      return undefined;
    }),
  );
}

function exportText({ file, bytes, card, classes, precision, agreement }: ExportResult): string {
  const lines = [
    `Written: ${file} (${(bytes / 1e6).toFixed(1)} MB, ${precision})`,
    ...(card === null ? [] : [`Model card: ${card}`]),
    `Input image: uint8 [N, height, width, 3] RGB; outputs probabilities [N, ${classes.length}] and label [N].`,
  ];
  if (agreement) {
    const { images, same_labels: same, largest_difference: largest } = agreement;
    lines.push(
      `int8 gives ${same} of ${images} images the label of the run’s model; probabilities differ by ${largest.toFixed(3)} at most.`,
    );
  }
  return lines.join('\n');
}
