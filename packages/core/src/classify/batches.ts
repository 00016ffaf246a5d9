import { setTimeout } from 'node:timers/promises';

/** How long a batch that is not full waits for another item, in ms. */
const patienceMs = 10;

/**
 * Groups items in order, `size` of them where they come quickly; where the next one is not there
 * after a moment, the batch goes as it is. So nothing that has come waits for what has not.
 */
export async function* inBatches<T>(
  items: AsyncIterable<T>,
  size: number,
): AsyncGenerator<T[], void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  let batch: T[] = [];
  let next: Promise<IteratorResult<T>> | undefined;
  try {
    for (;;) {
      next ??= iterator.next();
      next.catch(() => {});
      const item = batch.length === 0 ? await next : await soon(next);
      if (item) {
        next = undefined;
        if (item.done) break;
        batch.push(item.value);
        if (batch.length < size) continue;
      }
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } finally {
    // Of a source that is still being read, the answer comes first.
    await iterator.return?.();
  }
}

/** What a promise gives, or undefined where that takes long. */
async function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  const { signal } = timer;
  const late = setTimeout(patienceMs, undefined, { signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
