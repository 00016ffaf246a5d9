import type { OperationOptions } from '../operation.ts';

/** Groups items in order; only the last group may be smaller than `size`. */
export async function* inBatches<T>(
  items: Iterable<T> | AsyncIterable<T>,
  size: number,
): AsyncGenerator<T[], void, undefined> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Prepares each item while the consumer works on the one before: one item ahead, in order.
 * Ending the loop early, or an error, closes `items`.
 */
export async function* overlapped<T, U>(
  items: AsyncIterable<T>,
  prepare: (item: T) => Promise<U>,
  { signal }: OperationOptions,
): AsyncGenerator<U, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  const advance = async (): Promise<{ value: U } | undefined> => {
    signal?.throwIfAborted();
    const { done, value } = await iterator.next();
    return done ? undefined : { value: await prepare(value) };
  };
  let ahead = advance();
  try {
    for (;;) {
      const current = await ahead;
      if (!current) return;
      ahead = advance();
      // Heard of only if the consumer comes back for it.
      ahead.catch(() => {});
      yield current.value;
    }
  } finally {
    await ahead.catch(() => {});
    await iterator.return?.();
  }
}
