/** Node's flags for a worker thread: those of the process without the one that is for `node -e` alone. */
export function workerFlags(): string[] {
  return process.execArgv.filter((flag) => !/^--input-type=/.test(flag));
}
