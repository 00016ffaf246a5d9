import { reasonOf } from '../base/errors.ts';
import type { NoticeListener, OperationOptions } from '../base/operation.ts';

export interface AttemptOptions extends OperationOptions {
  /** Gets a warning where a part cannot be made. */
  readonly onNotice?: NoticeListener | undefined;
}

/**
 * Makes a part of a run that the run can do without. A failure is a warning.
 *
 * @param what is made, as a warning names it: `The plot curves.svg`
 * @returns undefined where it failed
 * @throws `signal.reason` where aborted
 */
export async function attempt<T>(
  what: string,
  make: () => Promise<T>,
  { signal, onNotice }: AttemptOptions,
): Promise<T | undefined> {
  signal?.throwIfAborted();
  try {
    return await make();
  } catch (error) {
    signal?.throwIfAborted();
    const reason = reasonOf(error).replace(/\.$/, '');
    const text = `${what} is missing: ${reason}. The rest is complete.`;
    onNotice?.({ level: 'warning', text });
    return undefined;
  }
}
