import type { OperationOptions } from './operation.ts';

type Items<T> = Iterable<T> | AsyncIterable<T>;

/**
 * Applies an action to items, at most `window` of them begun and not yet handed out, and hands the
 * results out in order, each as soon as it is there: also while the next item is waited for. Begun
 * actions are awaited whatever ends the loop, unless it is aborted. The source is closed; one that is
 * still waiting for its next item, which may never come, is not waited for.
 */
export async function* mapOrdered<T, R>(
  items: Items<T>,
  window: number,
  action: (item: T) => Promise<R>,
  { signal }: OperationOptions = {},
): AsyncGenerator<R, void, undefined> {
  const iterator = iteratorOf(items);
  const pending: Promise<R>[] = [];
  const abortable = abortableBy(signal);
  let next: Promise<IteratorResult<T>> | undefined;
  let ended = false;
  const begin = (item: T) => {
    const result = action(item);
    // It is awaited later: until then a rejection is not unhandled.
    result.catch(() => {});
    pending.push(result);
  };
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (!ended && pending.length < window) {
        next ??= iterator.next();
        next.catch(() => {});
        const first = await abortable.wait(Promise.race([next, settled(pending[0])]));
        if (first) {
          next = undefined;
          if (first.done) ended = true;
          else begin(first.value);
          continue;
        }
      }
      const result = pending.shift();
      if (!result) return;
      yield await abortable.wait(result);
    }
  } finally {
    abortable.release();
    const closed = ended ? undefined : iterator.return?.();
    if (next) closed?.catch(() => {});
    const closing = Promise.all([...pending.map(settled), next ? undefined : closed]);
    if (signal?.aborted) closing.catch(() => {});
    else await closing;
  }
}

function iteratorOf<T>(items: Items<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]();
  const iterator = items[Symbol.iterator]();
  return {
    next: async () => iterator.next(),
    return: async () => iterator.return?.() ?? { done: true, value: undefined },
  };
}

/** Undefined when a begun action has ended, in whatever way; never where there is none. */
function settled(action: Promise<unknown> | undefined): Promise<undefined> {
  const nothing = () => undefined;
  return action ? action.then(nothing, nothing) : new Promise(() => {});
}

/** Waits for one promise after another, or until the signal aborts; nothing is left on the signal. */
function abortableBy(signal: AbortSignal | undefined) {
  let interrupt = () => {};
  const listener = () => interrupt();
  signal?.addEventListener('abort', listener, { once: true });
  return {
    wait: <V>(promise: Promise<V>) =>
      new Promise<V>((resolve, reject) => {
        interrupt = () => reject(signal?.reason);
        promise.then(resolve, reject);
      }),
    release: () => signal?.removeEventListener('abort', listener),
  };
}
