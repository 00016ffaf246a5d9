/**
 * Lets native work of a worker thread end before the process does. ONNX Runtime's calls cannot be
 * interrupted, and a thread that is ended within one takes the process with it (SIGABRT, "terminate
 * called after throwing an instance of 'Napi::Error'"). So the worker counts the calls under way in
 * shared memory, and the process waits for them when it exits, whoever called `process.exit()`.
 */

/** Shared memory of one worker: how many calls are under way, and whether the process is ending. */
export type GuardMemory = Int32Array<SharedArrayBuffer>;

const [underWay, ending] = [0, 1];

/** A call is one batch of images at most; a thread that hangs keeps no process for longer. */
const longestWaitMs = 60_000;

const guarded = new Set<GuardMemory>();

/** Memory for a worker, which is waited for at exit until {@link release}. For the main thread. */
export function guardMemory(): GuardMemory {
  if (guarded.size === 0) process.on('exit', waitForWorkers);
  const memory = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  guarded.add(memory);
  return memory;
}

/** The worker has ended. */
export function release(memory: GuardMemory): void {
  guarded.delete(memory);
  if (guarded.size === 0) process.off('exit', waitForWorkers);
}

function waitForWorkers(): void {
  const deadline = performance.now() + longestWaitMs;
  for (const memory of guarded) Atomics.store(memory, ending, 1);
  for (const memory of guarded) {
    for (;;) {
      const calls = Atomics.load(memory, underWay);
      const left = deadline - performance.now();
      if (calls === 0 || left <= 0) break;
      Atomics.wait(memory, underWay, calls, left);
    }
  }
}

/**
 * Does native work in the worker. Where the process is ending none begins, and the promise stays
 * pending: no caller is left for it.
 */
export async function guardedCall<T>(memory: GuardMemory, call: () => Promise<T>): Promise<T> {
  Atomics.add(memory, underWay, 1);
  const isEnding = Atomics.load(memory, ending) === 1;
  try {
    if (!isEnding) return await call();
  } finally {
    Atomics.sub(memory, underWay, 1);
    Atomics.notify(memory, underWay);
  }
  return new Promise<T>(() => {});
}
