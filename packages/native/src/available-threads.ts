import { binding } from './binding.ts';
import { callNative } from './errors.ts';

/**
 * Threads that this process can keep busy at once, at least 1: the processors of its affinity mask, or
 * fewer where the CPU quota of its control groups (of a container) is less. Asked for each time, as
 * both can change.
 *
 * @param root the folder that holds `proc` and `sys`
 */
export function availableThreads(root = '/'): number {
  return callNative(() => binding().availableThreads(root));
}
