import type { ExportResult } from '@headstart/core';
import { exportOptions, plural, threadsOption } from '@headstart/core/options';
import type { Command } from 'commander';
import { documentOf } from '../documents.ts';
import { addCommonOptions, addOptions, type CommonOptions, type FlagValues } from '../options.ts';
import type { Runner } from '../runner.ts';

const options = { ...exportOptions, ...threadsOption } as const;

type ExportOptions = CommonOptions & FlagValues<typeof options>;

export function addExportCommand(program: Command, runner: Runner): void {
  const command = program
    .command('export')
    .description('write one ONNX file: uint8 image in, probabilities and label out')
    .argument('<run>', 'run folder');
  addOptions(command, options);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, run: string, given: ExportOptions) => {
      const { exportModel } = await import('@headstart/core');
      const result = await exportModel({ ...given, run, signal, onProgress: ui.onProgress });
      ui.result(documentOf(result), exportText(result));
      ui.info(shapeText(result));
      return undefined;
    }),
  );
}

function exportText(result: ExportResult): string {
  const { file, bytes, card, precision, agreement } = result;
  const lines = [
    `Written: ${file} (${(bytes / 1e6).toFixed(1)} MB, ${precision})`,
    ...(card === null ? [] : [`Model card: ${card}`]),
  ];
  if (agreement) {
    const { images, sameLabels: same, largestDifference: largest } = agreement;
    lines.push(
      `int8 gives ${same} of ${plural(images, 'image')} the label of the run’s model; probabilities differ by ${largest.toFixed(3)} at most.`,
    );
  }
  return lines.join('\n');
}

/** What a program gives to the model and gets of it. */
function shapeText({ classes, image }: ExportResult): string {
  const { height, width } = image ?? { height: 'height', width: 'width' };
  return `Input image: uint8 [N, ${height}, ${width}, 3] RGB; outputs probabilities [N, ${classes.length}] and label [N].`;
}
