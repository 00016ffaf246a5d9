import { cpus } from 'node:os';
import { availableThreads } from '@headstart/native';

/** The one place that counts the threads that this process may use. */
export { availableThreads };

/**
 * Threads of one inference of ONNX Runtime, whose own count is one per physical core of the machine.
 *
 * @param wanted what the user chose
 * @returns undefined where ONNX Runtime's own count is right: this process may use the whole machine
 */
export function inferenceThreads(wanted: number | undefined): number | undefined {
  const available = availableThreads();
  return wanted ?? (available < cpus().length ? available : undefined);
}
