/** Exit codes of the `headstart` command: a contract with scripts that call it. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  filesSkipped: 3,
  belowAccuracy: 4,
  gpuAbsent: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
