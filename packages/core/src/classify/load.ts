import { join } from 'node:path';
import { Backbone, type BackboneInfo } from '../backbone/index.ts';
import type { DeviceChoice } from '../base/device.ts';
import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import {
  type Run,
  type RunBackbone,
  type RunImage,
  type RunRecord,
  readRun,
  runFiles,
} from '../run/index.ts';
import { Classifier } from './classifier.ts';

export interface LoadClassifierOptions extends OperationOptions {
  /** Default `auto`. */
  readonly device?: DeviceChoice | undefined;
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
 * @example
 * ```ts
 * await using classifier = await loadClassifier('runs/fruit', { device: 'cpu' });
 * console.log(classifier.classes);
 * ```
 */
export async function loadClassifier(
  runFolder: string,
  options: LoadClassifierOptions = {},
): Promise<Classifier> {
  const run = await readImageRun(runFolder);
  const { record, image, model } = run;
  const opened = await openRunModel(run, options);
  try {
    checkModel(opened.info, record, image, model.path);
  } catch (error) {
    await opened.close();
    throw error;
  }
  return new Classifier(record, image, opened);
}

/** A run that can look at images. */
export interface ImageRun extends Run {
  readonly image: RunImage;
  readonly backbone: RunBackbone;
  readonly model: { readonly path: string; readonly sha256: string };
}

/** @throws HeadstartError `RUN_INVALID` where the run has no backbone */
export async function readImageRun(runFolder: string): Promise<ImageRun> {
  const run = await readRun(runFolder);
  const { files, backbone, image } = run.record;
  const model = files[runFiles.model];
  if (!model || !backbone || !image) {
    throw new HeadstartError(
      'RUN_INVALID',
      `The run ${runFolder} was trained on feature files of an unknown backbone and has no ` +
        `${runFiles.model}: it can be evaluated on feature files, but not on images.`,
    );
  }
  const path = join(runFolder, runFiles.model);
  return { ...run, image, backbone, model: { path, sha256: model.sha256 } };
}

/**
 * Opens the run's own model.
 *
 * @param output what it gives: the classes' probabilities, or the backbone's features
 */
export function openRunModel(
  { backbone, model }: ImageRun,
  { device = 'auto', ...options }: LoadClassifierOptions,
  output: 'probabilities' | 'features' = 'probabilities',
): Promise<Backbone> {
  const { name, untrained, preprocessing, precision = 'float32', featureShape } = backbone;
  const features = output === 'features';
  const featuresOf = features ? featureShape : undefined;
  // The features are those of the backbone's own file, which the run's model has inside.
  const { sha256 } = features ? backbone : model;
  return Backbone.open(
    { ...model, sha256, name, untrained, preprocessing, precision },
    { device, ...options, featuresOf },
  );
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
