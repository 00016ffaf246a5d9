import { createReadStream } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { writeFileAtomically } from '../atomic-file.ts';
import { locateBackbone } from '../backbone/index.ts';
import { defaultDirectories } from '../directories.ts';
import { HeadstartError } from '../errors.ts';
import { writeHeadModel } from '../head/index.ts';
import type { OperationOptions } from '../operation.ts';
import { type Run, readRun, readRunWeights, runFiles } from '../run/index.ts';

export interface ExportJobOptions extends OperationOptions {
  /** Run folder. */
  readonly run: string;
  /** The file to write; default `<name of the run>.onnx` in the working folder. */
  readonly out?: string | undefined;
  /** The backbone, for a run that was trained on feature files. */
  readonly backbone?: string | undefined;
  readonly modelsDir?: string | undefined;
}

export interface ExportResult {
  readonly file: string;
  readonly classes: readonly string[];
}

/**
 * Writes one ONNX file: uint8 [N, height, width, 3] RGB in, `probabilities` [N, K] and `label` [N]
 * out, class names in its metadata.
 *
 * @throws HeadstartError `RUN_INVALID`, `USAGE`, `OUTPUT_UNWRITABLE`, `BACKBONE_UNSUITABLE`
 */
export async function exportJob(options: ExportJobOptions): Promise<ExportResult> {
  const run = await readRun(options.run);
  const file = resolve(options.out ?? `${basename(resolve(options.run))}.onnx`);
  const source = join(options.run, runFiles.model);
  if (run.record.files[runFiles.model] && options.backbone === undefined) {
    await copyAtomically(source, file, options);
  } else {
    await rebuild(run, file, options);
  }
  return { file, classes: run.record.classes };
}

async function copyAtomically(from: string, to: string, { signal }: OperationOptions) {
  await writeFileAtomically(to, async (file) => {
    for await (const chunk of createReadStream(from)) {
      signal?.throwIfAborted();
      await file.write(chunk);
    }
  });
}

async function rebuild(run: Run, file: string, options: ExportJobOptions): Promise<void> {
  const { backbone, modelsDir = defaultDirectories().modelsDir, signal } = options;
  const { head, classes, calibration } = run.record;
  const temperature = calibration?.temperature;
  if (backbone === undefined) {
    throw new HeadstartError(
      'USAGE',
      `The run ${options.run} was trained on feature files and has no ${runFiles.model}: name the backbone that made them with --backbone.`,
    );
  }
  const found = await locateBackbone(backbone, { modelsDir, signal });
  const weights = await readRunWeights(run);
  await writeHeadModel(file, {
    backbonePath: found.path,
    head,
    weights,
    classes,
    temperature,
    signal,
  });
}
