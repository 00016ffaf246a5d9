import { HeadstartError, type Shard } from '@headstart/core';

/**
 * The part that a task of a job array computes: of Slurm, by `SLURM_ARRAY_TASK_ID`, `_MIN`, `_STEP` and
 * `_COUNT` (https://slurm.schedmd.com/job_array.html); of a Kubernetes Job with completionMode Indexed,
 * by `JOB_COMPLETION_INDEX`, which counts from 0, and `shards`, its number of completions.
 *
 * @throws HeadstartError `USAGE`
 */
export function shardOfTask(
  environment: Readonly<Record<string, string | undefined>>,
  shards: number | undefined,
): Shard {
  const number = (name: string, otherwise?: number) => {
    const text = environment[name];
    if (text === undefined && otherwise !== undefined) return otherwise;
    if (text !== undefined && /^\d+$/.test(text)) return Number(text);
    throw usage(`${name} is ${text === undefined ? 'missing' : `"${text}"`}, not a number.`);
  };
  if (environment.SLURM_ARRAY_TASK_ID !== undefined) {
    const id = number('SLURM_ARRAY_TASK_ID');
    const count = number('SLURM_ARRAY_TASK_COUNT');
    const first = number('SLURM_ARRAY_TASK_MIN', 0);
    const index = (id - first) / number('SLURM_ARRAY_TASK_STEP', 1) + 1;
    if (shards !== undefined && shards !== count) {
      throw usage(`--shards is ${shards}, but the Slurm array has ${count} tasks: leave it out.`);
    }
    if (Number.isInteger(index) && index >= 1 && index <= count) return { index, count };
    throw usage('the numbers of the Slurm array have gaps: use a range, as --array=0-7.');
  }
  if (environment.JOB_COMPLETION_INDEX !== undefined) {
    const index = number('JOB_COMPLETION_INDEX') + 1;
    if (shards === undefined) {
      throw usage("give the number of the Kubernetes Job's completions too, as --shards 8.");
    }
    if (index <= shards) return { index, count: shards };
    throw usage(`JOB_COMPLETION_INDEX is ${index - 1}, but --shards is only ${shards}.`);
  }
  throw usage(
    'neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set: give the part, as --shard 1/4.',
  );
}

function usage(reason: string): HeadstartError {
  return new HeadstartError('USAGE', `--shard auto finds no part to compute: ${reason}`);
}
