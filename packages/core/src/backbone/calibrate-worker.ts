import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { reasonOf } from '../base/errors.ts';
import { inferenceThreads } from '../base/threads.ts';
import type {
  CalibrationAnswer,
  CalibrationRequest,
  CalibrationSetup,
} from './calibrate-messages.ts';
import { guardedCall } from './exit-guard.ts';
import { RangeHistogram } from './range-histogram.ts';

/** Runs images and keeps histograms of every tensor: these are too large to be handed over. */
const port = parentPort as NonNullable<typeof parentPort>;
const setup = workerData as CalibrationSetup;
const histograms = new Map(setup.tensors.map((name) => [name, new RangeHistogram()]));

const answer = (message: CalibrationAnswer) => port.postMessage(message);

async function measure(session: InferenceSession, image: Uint8Array): Promise<void> {
  const [height, width] = setup.size;
  const feeds = { [setup.input]: new Tensor('uint8', image, [1, height, width, 3]) };
  const outputs = await session.run(feeds, [...setup.tensors]);
  for (const [name, histogram] of histograms) {
    const tensor = outputs[name];
    if (tensor?.type === 'float32') histogram.add(tensor.data as Float32Array);
    tensor?.dispose();
  }
}

async function serve(): Promise<void> {
  const threads = inferenceThreads(setup.threads);
  const options = {
    // Fused nodes would not give what lies between them.
    graphOptimizationLevel: 'basic',
    logSeverityLevel: 3,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  } as const;
  const session = await guardedCall(setup.guard, () =>
    InferenceSession.create(setup.model, options),
  );
  port.on('message', (request: CalibrationRequest) => {
    if (request === 'finish') {
      const ranges = new Map([...histograms].map(([name, one]) => [name, one.range()]));
      answer({ type: 'ranges', ranges });
      return;
    }
    guardedCall(setup.guard, () => measure(session, request)).then(
      () => answer({ type: 'measured' }),
      (error: unknown) => answer({ type: 'failed', message: reasonOf(error) }),
    );
  });
  answer({ type: 'ready' });
}

serve().catch((error: unknown) => answer({ type: 'failed', message: reasonOf(error) }));
