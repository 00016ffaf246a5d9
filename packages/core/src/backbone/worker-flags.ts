/**
 * Node's flags for a worker thread: those of the process. Under `node --input-type=… -e`, which no worker
 * starts with, none; a list that has flags of V8 (`--max-old-space-size`) would be refused.
 */
export function workerFlags(): string[] | undefined {
  return process.execArgv.some((flag) => /^--input-type=/.test(flag)) ? [] : undefined;
}
