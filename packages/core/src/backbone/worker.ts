import { parentPort, workerData } from 'node:worker_threads';
import { ConvStack } from '@headstart/native';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { BufferPool } from '../base/buffer-pool.ts';
import { inferenceThreads } from '../base/threads.ts';
import { guardedCall } from './exit-guard.ts';
import type {
  AddHeadRequest,
  RunRequest,
  WorkerAnswer,
  WorkerRequest,
  WorkerSetup,
} from './worker-messages.ts';

/**
 * The inference worker. ONNX Runtime's `run` blocks the thread that calls it: this one has nothing
 * else to do.
 */
const port = parentPort as NonNullable<typeof parentPort>;
const setup = workerData as WorkerSetup;

// A failure is answered, once.
env.logLevel = 'fatal';

function answer(message: WorkerAnswer, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));

interface Output {
  /** [count, ...]. ONNX Runtime may still own the memory: only a copy can be kept or handed over. */
  readonly data: Float32Array;
  /** Of one row. */
  readonly shape: readonly number[];
}

/** Runs images, which may be in shared memory. */
type Infer = (images: Uint8Array, count: number) => Promise<Output>;

function openSession(model: string | Uint8Array): Promise<InferenceSession> {
  const threads = inferenceThreads(setup.threads);
  const options = {
    executionProviders: [setup.provider],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  } as const;
  return guardedCall(setup.guard, () =>
    typeof model === 'string'
      ? InferenceSession.create(model, options)
      : InferenceSession.create(model, options),
  );
}

async function outputOf(
  session: InferenceSession,
  name: string,
  tensor: Tensor,
  wanted: string = setup.output,
): Promise<Output> {
  const run = () => session.run({ [name]: tensor }, [wanted]);
  const output = (await guardedCall(setup.guard, run))[wanted];
  if (!output) throw new Error(`the model gave no output "${wanted}"`);
  return { data: output.data as Float32Array, shape: output.dims.slice(1) };
}

async function openModel(): Promise<Infer> {
  const session = await openSession(setup.model);
  const [height, width] = setup.size;
  const pool = new BufferPool(2);
  const infer: Infer = async (images, count) => {
    // ONNX Runtime takes no shared memory.
    const own = pool.take(images.length);
    own.set(images);
    const tensor = new Tensor('uint8', own, [count, height, width, 3]);
    try {
      return await outputOf(session, setup.input, tensor);
    } finally {
      pool.give(own);
    }
  };
  return setup.oneByOne ? oneByOne(infer) : infer;
}

function oneByOne(infer: Infer): Infer {
  return async (images, count) => {
    if (count === 1) return infer(images, 1);
    const size = images.length / count;
    const rows = [];
    for (let i = 0; i < count; i++) {
      const { data, shape } = await infer(images.subarray(i * size, (i + 1) * size), 1);
      rows.push({ data: data.slice(), shape });
    }
    const length = rows[0]?.data.length ?? 0;
    const data = new Float32Array(count * length);
    for (const [i, row] of rows.entries()) data.set(row.data, i * length);
    return { data, shape: rows[0]?.shape ?? [] };
  };
}

async function openStack(plan: NonNullable<WorkerSetup['stack']>): Promise<Infer> {
  const { threads } = setup;
  const { rest } = plan;
  const stack = new ConvStack({ ...plan, threads });
  const session = rest && (await openSession(rest.model));
  return async (images, count) => {
    const data = await guardedCall(setup.guard, async () => stack.run(images, count));
    if (!rest || !session) return { data, shape: stack.outputShape };
    const tensor = new Tensor('float32', data, [count, ...stack.outputShape]);
    return outputOf(session, rest.input, tensor);
  };
}

async function serve(): Promise<void> {
  let infer: Infer;
  try {
    infer = await (setup.stack ? openStack(setup.stack) : openModel());
  } catch (error) {
    answer({ type: 'failed', message: reason(error) });
    return;
  }
  answer({ type: 'ready' });
  const heads = new Heads();
  port.on('message', (request: WorkerRequest) => {
    if (request === 'close') port.close();
    else if ('remove' in request) heads.remove(request.remove);
    else if ('add' in request) answerWith(request.id, heads.add(request));
    else answerWith(request.id, heads.run(request, infer), request.into);
  });
}

/** Says what came of a request: the numbers of a run, or that it is done. */
function answerWith(
  id: number,
  result: Promise<Output | undefined>,
  into?: RunRequest['into'],
): void {
  result.then(
    (output) => {
      if (!output) return answer({ type: 'added', id });
      const { data, shape } = output;
      if (into?.length === data.length) {
        into.set(data);
        return answer({ type: 'result', id, data: undefined, shape });
      }
      const copy = data.slice();
      answer({ type: 'result', id, data: copy, shape }, [copy.buffer]);
    },
    (error: unknown) => answer({ type: 'error', id, message: reason(error) }),
  );
}

/** The heads that the backbone's features can go through. */
class Heads {
  readonly #sessions = new Map<number, InferenceSession>();
  /** Ends with the runs that have begun. */
  #runs: Promise<unknown> = Promise.resolve();

  async add({ add, model }: AddHeadRequest): Promise<undefined> {
    this.#sessions.set(add, await openSession(model));
  }

  /** A session that is let go within a run would take the process with it. */
  remove(head: number): void {
    const session = this.#sessions.get(head);
    this.#sessions.delete(head);
    this.#runs = this.#runs
      .then(() => guardedCall(setup.guard, async () => session?.release()))
      .catch(() => {});
  }

  run(request: RunRequest, infer: Infer): ReturnType<Infer> {
    const result = this.#run(request, infer);
    // Its result is not kept.
    this.#runs = Promise.allSettled([this.#runs, result]).then(() => undefined);
    return result;
  }

  async #run({ images, count, head }: RunRequest, infer: Infer): ReturnType<Infer> {
    if (head === undefined) return infer(images, count);
    const session = this.#sessions.get(head);
    if (!session) throw new Error(`there is no head ${head}`);
    const features = await infer(images, count);
    const tensor = new Tensor('float32', features.data.slice(), [count, ...features.shape]);
    return outputOf(session, 'features', tensor, 'probabilities');
  }
}

await serve();
