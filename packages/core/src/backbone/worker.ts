import { parentPort, workerData } from 'node:worker_threads';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import type { RunRequest, WorkerAnswer, WorkerSetup } from './worker-messages.ts';

/**
 * The inference worker. ONNX Runtime's `run` blocks the thread that calls it: this one has nothing
 * else to do.
 */
const port = parentPort as NonNullable<typeof parentPort>;
const setup = workerData as WorkerSetup;

// What fails is answered, and said once.
env.logLevel = 'fatal';

function answer(message: WorkerAnswer, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function openSession(): Promise<InferenceSession> {
  const { model, provider, threads } = setup;
  const options = {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  } as const;
  if (typeof model === 'string') return InferenceSession.create(model, options);
  return InferenceSession.create(model, options);
}

async function infer(session: InferenceSession, images: Uint8Array, count: number) {
  const [height, width] = setup.size;
  const feeds = { [setup.input]: new Tensor('uint8', images, [count, height, width, 3]) };
  const output = (await session.run(feeds, [setup.output]))[setup.output];
  if (!output) throw new Error(`the model gave no output "${setup.output}"`);
  return { data: output.data as Float32Array, shape: output.dims.slice(1) };
}

async function inferOneByOne(session: InferenceSession, images: Uint8Array, count: number) {
  const size = images.length / count;
  const rows = [];
  for (let i = 0; i < count; i++) {
    rows.push(await infer(session, images.slice(i * size, (i + 1) * size), 1));
  }
  const length = rows[0]?.data.length ?? 0;
  const data = new Float32Array(count * length);
  for (const [i, row] of rows.entries()) data.set(row.data, i * length);
  return { data, shape: rows[0]?.shape ?? [] };
}

async function serve(): Promise<void> {
  let session: InferenceSession;
  try {
    session = await openSession();
  } catch (error) {
    answer({ type: 'failed', message: reason(error) });
    return;
  }
  answer({ type: 'ready' });
  port.on('message', ({ id, images, count }: RunRequest) => {
    const run = setup.oneByOne && count > 1 ? inferOneByOne : infer;
    run(session, images, count).then(
      ({ data, shape }) => {
        // ONNX Runtime may still own the memory of its output: only a copy can be handed over.
        const own = data.slice();
        answer({ type: 'result', id, data: own, shape }, [own.buffer as ArrayBuffer]);
      },
      (error: unknown) => answer({ type: 'error', id, message: reason(error) }),
    );
  });
}

await serve();
