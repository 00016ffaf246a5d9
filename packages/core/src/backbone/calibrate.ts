import { Worker } from 'node:worker_threads';
import { HeadstartError } from '../base/errors.ts';
import { forbidTelemetry } from '../base/onnx-runtime.ts';
import type { TensorRange } from '../onnx/index.ts';
import {
  calibratedTensors,
  describeModel,
  elementType,
  encodeModel,
  type Model,
  valueInfo,
} from '../onnx/index.ts';
import type {
  CalibrationAnswer,
  CalibrationRequest,
  CalibrationSetup,
} from './calibrate-messages.ts';
import { guardMemory, release } from './exit-guard.ts';
import { workerFlags } from './worker-flags.ts';

export interface CalibrateOptions {
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** After each image. */
  readonly onImage?: ((done: number) => void) | undefined;
}

/**
 * The ranges of a model's activations over some images, each [height, width, 3] uint8 RGB of the
 * model's size.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where ONNX Runtime cannot run the model;
 *   `signal.reason` where aborted
 */
export async function calibrate(
  model: Model,
  name: string,
  images: readonly Uint8Array[],
  { threads, signal, onImage }: CalibrateOptions = {},
): Promise<Map<string, TensorRange>> {
  const { input } = describeModel(model, name);
  const tensors = calibratedTensors(model);
  const output = tensors.map((tensor) => ({
    ...valueInfo(tensor, elementType.float32, []),
    // Of an unknown shape; no dimensions would be a scalar.
    type: { tensorType: { elemType: elementType.float32 } },
  }));
  const guard = guardMemory();
  const setup: CalibrationSetup = {
    model: encodeModel({ ...model, graph: { ...model.graph, output } }),
    input: input.name,
    tensors,
    size: [input.height, input.width],
    threads,
    guard,
  };
  forbidTelemetry();
  const worker = new Worker(new URL('./calibrate-worker.js', import.meta.url), {
    workerData: setup,
    execArgv: workerFlags(),
  });
  worker.once('exit', () => release(guard));
  try {
    await nextAnswer(worker, name);
    for (const [done, image] of images.entries()) {
      signal?.throwIfAborted();
      worker.postMessage(image satisfies CalibrationRequest);
      await nextAnswer(worker, name);
      onImage?.(done + 1);
    }
    worker.postMessage('finish' satisfies CalibrationRequest);
    const answer = await nextAnswer(worker, name);
    return new Map(answer.type === 'ranges' ? answer.ranges : []);
  } finally {
    await worker.terminate();
  }
}

function nextAnswer(worker: Worker, name: string): Promise<CalibrationAnswer> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string) =>
      reject(new HeadstartError('BACKBONE_UNSUITABLE', `ONNX Runtime cannot run ${name}: ${why}.`));
    const ended = (code: number) => refuse(`its worker ended with ${code}`);
    for (const event of ['message', 'error']) worker.removeAllListeners(event);
    worker.once('message', (answer: CalibrationAnswer) => {
      worker.off('exit', ended);
      if (answer.type === 'failed') refuse(answer.message.replace(/\.$/, ''));
      else resolve(answer);
    });
    worker.once('error', (error) => refuse(error.message));
    worker.once('exit', ended);
  });
}
