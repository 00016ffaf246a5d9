import { join } from 'node:path';
import { Backbone, type BackboneInfo } from '../backbone/index.ts';
import { HeadstartError } from '../errors.ts';
import type { OperationOptions } from '../operation.ts';
import { type RunImage, type RunRecord, readRun, runFiles } from '../run/index.ts';
import { Classifier } from './classifier.ts';

export interface LoadClassifierOptions extends OperationOptions {
  /** Default `auto`. */
  readonly device?: 'auto' | 'cuda' | 'cpu' | undefined;
  /** Fail rather than use the CPU. */
  readonly requireGpu?: boolean | undefined;
  /** Threads of the inference on the CPU. */
  readonly threads?: number | undefined;
}

/**
 * Opens a run folder for labelling images. The folder holds all that is needed: neither the data
 * nor the backbone's own file is looked for.
 *
 * @throws HeadstartError `RUN_INVALID`, `GPU_REQUIRED`
 */
export async function loadClassifier(
  runFolder: string,
  options: LoadClassifierOptions = {},
): Promise<Classifier> {
  const { device = 'auto', signal, ...rest } = options;
  const { record } = await readRun(runFolder);
  const model = record.files[runFiles.model];
  const { backbone, image } = record;
  if (!model || !backbone || !image) {
    throw new HeadstartError(
      'RUN_INVALID',
      `The run ${runFolder} was trained on feature files of an unknown backbone and has no ` +
        `${runFiles.model}: it can be evaluated on feature files, but not on images.`,
    );
  }
  const { name, untrained, preprocessing, precision = 'float32' } = backbone;
  const path = join(runFolder, runFiles.model);
  const opened = await Backbone.open(
    { path, sha256: model.sha256, name, untrained, preprocessing, precision },
    { device, signal, ...rest },
  );
  try {
    checkModel(opened.info, record, image, path);
  } catch (error) {
    await opened.close();
    throw error;
  }
  return new Classifier(record, image, opened);
}

function checkModel(info: BackboneInfo, record: RunRecord, image: RunImage, path: string): void {
  const { height, width } = info.input;
  const outputs = info.featureShape.join('x');
  if (outputs === `${record.classes.length}` && height === image.height && width === image.width) {
    return;
  }
  throw new HeadstartError(
    'RUN_INVALID',
    `${path} takes ${height}x${width} images and gives ${outputs} numbers, but its run has ` +
      `${image.height}x${image.width} images and ${record.classes.length} classes.`,
  );
}
