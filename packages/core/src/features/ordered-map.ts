/**
 * Applies an action to items, at most `window` of them begun and not yet handed out, and hands the
 * results out in order. Begun actions are awaited whatever ends the loop.
 */
export async function* mapOrdered<T, R>(
  items: Iterable<T>,
  window: number,
  action: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const pending: Promise<R>[] = [];
  try {
    for (const item of items) {
      const result = action(item);
      // It is awaited later: until then a rejection is not unhandled.
      result.catch(() => {});
      pending.push(result);
      if (pending.length >= window) yield await (pending.shift() as Promise<R>);
    }
    while (pending.length > 0) yield await (pending.shift() as Promise<R>);
  } finally {
    await Promise.allSettled(pending);
  }
}
