import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { availableThreads } from '@headstart/native';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';
import { temporaryFolder } from '../util/workspace.ts';

/** Counts the threads on a machine whose /proc and /sys hold these files. */
async function countWith(files: Readonly<Record<string, string>>): Promise<number> {
  await using root = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root.path, name)), { recursive: true });
    await writeFile(join(root.path, name), text);
  }
  return availableThreads(root.path);
}

const cgroup = (name: string) => `sys/fs/cgroup/${name}`;

describe.runIf(process.platform === 'linux')('threads that the process may use', () => {
  const all = availableThreads('/nowhere');

  it('are those of its affinity mask, in the addon and in its own threads', async () => {
    const script =
      "import { availableThreads, backends } from '@headstart/native';" +
      'console.log(availableThreads(), backends()[0].description);';
    const { stdout } = await promisify(execFile)(
      'taskset',
      ['-c', '0', process.execPath, '--input-type=module', '-e', script],
      { cwd: join(repositoryRoot, 'packages/core') },
    );
    expect(stdout).toMatch(/^1 CPU, .+, 1 thread\n$/);
  });

  it('are no more than the quota of the control group, and of those that hold it', async () => {
    const self = { 'proc/self/cgroup': '0::/user/job\n' };
    const one = '100000 100000\n';
    expect(await countWith({ ...self, [cgroup('user/job/cpu.max')]: one })).toBe(1);
    expect(await countWith({ ...self, [cgroup('user/cpu.max')]: one })).toBe(1);
    // A container sees its own group as the root.
    expect(await countWith({ ...self, [cgroup('cpu.max')]: one })).toBe(1);
  });

  it('are as many as ever where there is no quota, or a larger one', async () => {
    const self = { 'proc/self/cgroup': '0::/\n' };
    expect(await countWith({ ...self, [cgroup('cpu.max')]: 'max 100000\n' })).toBe(all);
    expect(await countWith({ ...self, [cgroup('cpu.max')]: '99900000 100000\n' })).toBe(all);
  });

  it('count a part of a processor as one', async () => {
    const self = { 'proc/self/cgroup': '0::/\n' };
    expect(await countWith({ ...self, [cgroup('cpu.max')]: '20000 100000\n' })).toBe(1);
    const half = { ...self, [cgroup('cpu.max')]: '150000 100000\n' };
    expect(await countWith(half)).toBe(Math.min(all, 2));
  });

  it('follow the quota of control groups of version 1', async () => {
    const self = { 'proc/self/cgroup': '5:memory:/box\n4:cpu,cpuacct:/box\n' };
    const quota = (value: string) => ({
      ...self,
      [cgroup('cpu/box/cpu.cfs_quota_us')]: value,
      [cgroup('cpu/box/cpu.cfs_period_us')]: '100000\n',
    });
    expect(await countWith(quota('50000\n'))).toBe(1);
    expect(await countWith(quota('-1\n'))).toBe(all);
  });
});
