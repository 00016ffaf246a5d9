import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A shared library that the CUDA provider cannot do without, and is not here. */
export interface MissingLibrary {
  readonly library: string;
  /** What it is part of, and how to get that. */
  readonly advice: string;
}

const toolkit =
  'part of the CUDA 13 toolkit: https://developer.nvidia.com/cuda-downloads (packages cuda-libraries-13-0)';
const origins: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/^libcuda\.so/, 'part of the NVIDIA driver: https://www.nvidia.com/drivers'],
  [
    /^libcudnn/,
    'part of cuDNN 9 for CUDA 13: https://developer.nvidia.com/cudnn (package cudnn9-cuda-13)',
  ],
  [/^lib(cublas|cublasLt|cudart|curand|cufft|nvrtc|cusparse)/, toolkit],
];

/** Loaded by name when the provider starts, so that the linker does not name it. */
const loadedLater = ['libcudnn.so.9'];

/**
 * What the provider's library needs and the dynamic linker does not find (Linux: `ldd`, and
 * `ldconfig -p` with LD_LIBRARY_PATH). Undefined where that cannot be told.
 */
export async function missingLibraries(provider: string): Promise<MissingLibrary[] | undefined> {
  try {
    const { stdout: linked } = await run('ldd', [provider]);
    const names = [...linked.matchAll(/^\s*(\S+) => not found$/gm)].map(([, name = '']) => name);
    for (const name of loadedLater) if (!(await isFound(name))) names.push(name);
    return names.map((library) => ({ library, advice: adviceFor(library) }));
  } catch {
    return undefined;
  }
}

async function isFound(name: string): Promise<boolean> {
  const folders = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean);
  if (folders.some((folder) => existsSync(join(folder, name)))) return true;
  for (const ldconfig of ['ldconfig', '/sbin/ldconfig']) {
    try {
      const { stdout } = await run(ldconfig, ['-p']);
      return stdout.includes(`\t${name} `);
    } catch {
      // Not on the PATH of every user.
    }
  }
  return false;
}

function adviceFor(library: string): string {
  const [, advice] = origins.find(([pattern]) => pattern.test(library)) ?? [];
  return advice ?? 'install the package of your system that has it';
}
