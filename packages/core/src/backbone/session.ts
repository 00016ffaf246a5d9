import { type ChosenDevice, type DeviceOptions, withoutGpu } from '../base/device.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import {
  classScoresIn,
  decodeModel,
  describeModel,
  encodeModel,
  forMatrixUnit,
  hasMatrixUnit,
  hasStackPlan,
  lastDenseLayer,
  type Model,
  type ModelDescription,
  readOutline,
  stackPlan,
  tensorTypeOf,
  withoutHead,
} from '../onnx/index.ts';
import { readBackbone } from './describe-file.ts';
import { chooseProvider, type Provider, providerName, usesTf32 } from './device.ts';
import { type BackboneFile, shownName } from './file.ts';
import { InferenceWorker } from './inference-worker.ts';
import type { WorkerSetup } from './worker-messages.ts';

export interface OpenBackboneOptions extends DeviceOptions, OperationOptions {
  /** CPU threads of one inference; default: one per physical core, or what this process may use. */
  readonly threads?: number | undefined;
  /** Of a run's own model: give the backbone's features, of this shape, not the probabilities. */
  readonly featuresOf?: readonly number[] | undefined;
}

/** An open backbone, as it runs. */
export interface BackboneInfo extends BackboneFile {
  readonly input: { readonly height: number; readonly width: number };
  /** [h, w, c] of a feature map, or [d] of a vector. */
  readonly featureShape: readonly number[];
  readonly provider: Provider;
  /** What computes: `native` is our own kernels for chains of convolutions, on the CPU. */
  readonly engine: 'onnxruntime' | 'native';
  /** Whether products of float32 are rounded to TF32. */
  readonly tf32?: boolean | undefined;
  /** The device in words for people. */
  readonly device: string;
  /** Why the GPU is not used, where it might have been. */
  readonly notice?: string | undefined;
  /** A remark on its features, for before a head is trained on them. */
  readonly remark?: string | undefined;
}

/** A worker that runs a backbone, and what the backbone turned out to be. */
export interface StartedBackbone {
  readonly info: BackboneInfo;
  readonly worker: InferenceWorker;
}

/**
 * Starts a backbone file on the chosen device, and tries it on one image.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE`, `GPU_REQUIRED`; `signal.reason` where aborted
 */
export async function startBackbone(
  file: BackboneFile,
  options: OpenBackboneOptions,
): Promise<StartedBackbone> {
  const { signal } = options;
  signal?.throwIfAborted();
  const shown = shownName(file);
  const whole = decodeModel(await readBackbone(file.path), shown);
  const { featuresOf } = options;
  const model = featuresOf ? withoutHead(whole, shown, featuresOf) : whole;
  const description = describeModel(model, shown);
  const { worker, chosen, engine } = await startOnDevice(file, model, options);
  try {
    const { height, width } = description.input;
    const { shape, data } = await trialRun(worker, shown, height * width * 3);
    checkFeatures(shown, shape, data);
    signal?.throwIfAborted();
    const remark = remarkOn(model, description);
    const found = { input: { height, width }, featureShape: shape, engine, remark };
    return { info: { ...file, ...found, ...onDevice(chosen, options) }, worker };
  } catch (error) {
    await worker.close();
    throw error;
  }
}

/**
 * What a backbone on the CPU will be once it is open, from its file; undefined where it takes another
 * device, or where only a run shows the shape of its features.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE`, `GPU_REQUIRED`
 */
export async function describeOnCpu(
  file: BackboneFile,
  options: OpenBackboneOptions,
): Promise<BackboneInfo | undefined> {
  const chosen = chooseProvider(options);
  if (chosen.device !== 'cpu' || options.featuresOf) return undefined;
  const model = await readOutline(file.path);
  const { input, output, metadata } = describeModel(model, shownName(file));
  const declared = model.graph?.output?.find(({ name }) => name === output.name);
  const shape = declared && tensorTypeOf(declared).dims?.slice(1);
  if (!shape?.every((size) => size !== undefined)) return undefined;
  return {
    ...file,
    input: { height: input.height, width: input.width },
    featureShape: shape,
    engine: usesOwnKernels(model, input) ? 'native' : 'onnxruntime',
    remark: remarkOn(model, { metadata, output }),
    ...onDevice(chosen, options),
  };
}

/** A run's own model gives probabilities, and is to. */
function remarkOn(
  model: Model,
  { metadata, output }: Pick<ModelDescription, 'metadata' | 'output'>,
): string | undefined {
  const scores = metadata.labels === undefined ? classScoresIn(model, output.name) : undefined;
  if (scores === undefined) return undefined;
  const canCut = lastDenseLayer(model.graph ?? {}, output.name) !== undefined;
  const how = canCut ? ', which `cutClassifier` gives' : '';
  return `its features are ${scores}: a head learns more from what the model has before its classifier${how}.`;
}

/** What the device makes of a backbone. */
function onDevice({ device, notice }: ChosenDevice, { threads }: OpenBackboneOptions) {
  return {
    provider: device,
    tf32: usesTf32(device),
    device: providerName(device, threads),
    notice,
  };
}

async function startOnDevice(
  file: BackboneFile,
  model: Model,
  options: OpenBackboneOptions,
): Promise<{
  worker: InferenceWorker;
  chosen: ChosenDevice;
  engine: BackboneInfo['engine'];
}> {
  const start = async (chosen: ChosenDevice) => {
    const setup = workerSetup(file, model, chosen.device, options);
    const engine = setup.stack ? ('native' as const) : ('onnxruntime' as const);
    return { worker: await InferenceWorker.start(setup), chosen, engine };
  };
  const chosen = chooseProvider(options);
  try {
    return await start(chosen);
  } catch (error) {
    if (chosen.device !== 'cpu') {
      const fallback = withoutGpu(options, refusal(error));
      return await start(fallback);
    }
    throw unrunnable(shownName(file), error);
  }
}

function workerSetup(
  file: BackboneFile,
  model: Model,
  provider: Provider,
  { threads, featuresOf }: OpenBackboneOptions,
): Omit<WorkerSetup, 'guard'> {
  const { input, output } = describeModel(model, shownName(file));
  const stack = provider === 'cpu' ? ownPlan(model, input) : undefined;
  return {
    model:
      (provider === 'cpu' && hasMatrixUnit() && forMatrixUnit(model)) ||
      (featuresOf && !stack ? encodeModel(model) : file.path),
    stack,
    provider,
    threads,
    input: input.name,
    output: output.name,
    size: [input.height, input.width],
    oneByOne: input.batch === 1,
  };
}

/** What our own kernels compute faster than ONNX Runtime: float32 convolutions. */
function ownPlan(model: Model, size: BackboneInfo['input']): WorkerSetup['stack'] {
  if (!ownKernelsWanted()) return undefined;
  return stackPlan(model, size);
}

/** Whether there is an {@link ownPlan}, which takes longer to make; an outline of the model is enough for it. */
function usesOwnKernels(model: Model, size: BackboneInfo['input']): boolean {
  if (!ownKernelsWanted()) return false;
  return hasStackPlan(model, size);
}

/** The environment variable HEADSTART_ENGINE=onnxruntime leaves everything to ONNX Runtime. */
function ownKernelsWanted(): boolean {
  return process.env.HEADSTART_ENGINE !== 'onnxruntime';
}

/** One black image: shows that the model runs, and the shape of its features. */
async function trialRun(worker: InferenceWorker, shown: string, bytes: number) {
  try {
    return await worker.run(new Uint8Array(bytes), 1);
  } catch (error) {
    throw unrunnable(shown, error);
  }
}

/** Why ONNX Runtime does not use the GPU, without the place in its source that it begins with. */
function refusal(error: unknown): string {
  const text = reasonOf(error).trim().replace(/\.$/, '');
  const reason = text.replace(/^\/\S+\.cc:\d+ .* was false\. /s, '');
  return `ONNX Runtime refused it (${reason}); \`doctor()\` shows what is missing`;
}

function unrunnable(shown: string, error: unknown): HeadstartError {
  // ONNX Runtime names the file that it was given, which may be a copy, and a place in its own source.
  const reason = reasonOf(error)
    .replace(/^Load model from .*? failed:\s*/s, '')
    .replace(/^\/\S+\.(?:h|cc):\d+ .*?\) (?=[A-Z])/s, '')
    .replace(/\.$/, '');
  return new HeadstartError('BACKBONE_UNSUITABLE', `ONNX Runtime cannot run ${shown}: ${reason}.`, {
    cause: error,
  });
}

function checkFeatures(shown: string, shape: readonly number[], data: Float32Array): void {
  const refuse = (why: string) =>
    new HeadstartError('BACKBONE_UNSUITABLE', `${shown} cannot be a backbone: ${why}.`);
  if (shape.length !== 1 && shape.length !== 3) {
    throw refuse(`its output for one image is [${shape.join(', ')}], neither a map nor a vector`);
  }
  if (!data.every(Number.isFinite)) throw refuse('its output for a black image is not finite');
}
