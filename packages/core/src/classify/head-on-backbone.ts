import type { Backbone } from '../backbone/index.ts';
import { HeadstartError } from '../base/errors.ts';
import { HeadExplainer } from '../head/index.ts';
import { headModel } from '../onnx/index.ts';
import type { RunImage, RunRecord, TrainedRun } from '../run/index.ts';
import { Classifier } from './classifier.ts';
import { Explainer } from './explain.ts';
import { type LoadClassifierOptions, openRunModel, readImageRun } from './load.ts';

/**
 * Opens the backbone of a run, for all the heads on it: to label and explain by a head that was just
 * trained, the head alone is opened, in milliseconds. Close it after what was opened on it.
 *
 * @throws HeadstartError `RUN_INVALID`, `GPU_REQUIRED`
 * @example
 * ```ts
 * await using backbone = await openRunBackbone('runs/fruit');
 * await using classifier = await classifierOn(backbone, await readTrainedRun('runs/fruit-2'));
 * ```
 */
export async function openRunBackbone(
  runFolder: string,
  options: LoadClassifierOptions = {},
): Promise<Backbone> {
  return openRunModel(await readImageRun(runFolder), options, 'features');
}

/**
 * Whether a run's head is one on this backbone.
 *
 * @example
 * ```ts
 * await using backbone = await openRunBackbone('runs/fruit');
 * const { record } = await readRun('runs/fruit-2');
 * console.log(isHeadOn(backbone, record));
 * ```
 */
export function isHeadOn(
  { info }: Backbone,
  { backbone, image }: Pick<RunRecord, 'backbone' | 'image'>,
): boolean {
  const { height, width } = info.input;
  return backbone?.sha256 === info.sha256 && image?.height === height && image.width === width;
}

/**
 * Labels images by a run's head on an open backbone. Closing it leaves the backbone open.
 *
 * @throws HeadstartError `INTERNAL` where the head is on another backbone
 * @example
 * ```ts
 * await using backbone = await openRunBackbone('runs/fruit');
 * await using classifier = await classifierOn(backbone, await readTrainedRun('runs/fruit-2'));
 * ```
 */
export async function classifierOn(
  backbone: Backbone,
  { record, weights }: Pick<TrainedRun, 'record' | 'weights'>,
): Promise<Classifier> {
  const { head, classes, calibration } = record;
  const image = imageOf(record, backbone);
  const model = headModel(backbone.info.featureShape, {
    layers: head.layers,
    weights,
    classes,
    temperature: calibration?.temperature,
  });
  return new Classifier(record, image, await backbone.addHead(model, classes.length));
}

/**
 * Explains what a run's head on an open backbone sees. Closing it leaves the backbone open.
 *
 * @throws HeadstartError `USAGE` where the backbone gives vectors, which have no places
 * @example
 * ```ts
 * await using backbone = await openRunBackbone('runs/fruit');
 * const explainer = explainerOn(backbone, await readTrainedRun('runs/fruit-2'));
 * ```
 */
export function explainerOn(
  backbone: Backbone,
  { record, weights }: Pick<TrainedRun, 'record' | 'weights'>,
): Explainer {
  const head = new HeadExplainer(record.head, weights);
  const { info } = backbone;
  const borrowed = {
    info,
    run: (images: Uint8Array, count: number) => backbone.run(images, count),
    close: async () => {},
  };
  return new Explainer(record, imageOf(record, backbone), borrowed, head);
}

function imageOf(record: RunRecord, backbone: Backbone): RunImage {
  if (record.image && isHeadOn(backbone, record)) return record.image;
  throw new HeadstartError('INTERNAL', 'The head is not one on this backbone.');
}
