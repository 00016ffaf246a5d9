import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cudaProviderLibrary } from '../backbone/index.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { NoticeListener, OperationOptions } from '../base/operation.ts';
import { makeTemporaryFolder } from '../base/temporary-files.ts';
import type { OptionsOf, setupOptions } from '../options/index.ts';
import { type MissingLibrary, missingLibraries } from './libraries.ts';

const run = promisify(execFile);

/**
 * Where the CUDA provider of onnxruntime-node's own version is had, which onnxruntime-node itself
 * does not bring: for CUDA 13 and cuDNN 9. The digest is the one that npm publishes.
 */
const source = {
  onnxRuntime: '1.29.0',
  package: 'com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9',
  folder: 'package/Plugins/Linux/x64',
  sha512:
    '168a4884d13f360fafd97eb9c1573d7253c2042be1bc0e771f1a3653429fe5f19d56c0bb88203e999d0a2d6820710023ed3219ea9362751e000b5d20ef85e8eb',
} as const;

const required = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

export interface SetupCudaOptions extends OperationOptions, OptionsOf<typeof setupOptions> {
  /** Where they go; default: beside onnxruntime-node's own library. */
  readonly directory?: string | undefined;
  readonly onNotice?: NoticeListener | undefined;
}

export interface SetupCudaResult {
  readonly directory: string;
  /** Files that were put in place, or taken away. */
  readonly files: readonly string[];
  /** What else is needed; undefined where that cannot be told. */
  readonly missing?: readonly MissingLibrary[] | undefined;
}

/**
 * Puts ONNX Runtime's CUDA provider in place, or takes it away. Each file is there whole or not at
 * all.
 *
 * @throws HeadstartError `USAGE` on other systems than Linux x64, or where `from` holds no provider;
 *   `GPU_REQUIRED` without an NVIDIA driver;
 *   `DOWNLOAD_FAILED`; `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 * @example
 * ```ts
 * const { files, missing } = await setupCuda();
 * console.log(files, missing);
 * ```
 */
export async function setupCuda(options: SetupCudaOptions = {}): Promise<SetupCudaResult> {
  const { directory = dirname(cudaProviderLibrary()) } = options;
  if (options.undo) return takeAway(directory);
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new HeadstartError(
      'USAGE',
      `The CUDA provider is for Linux on x64, not for ${process.platform}-${process.arch}.`,
    );
  }
  if (!options.withoutDriver && !hasDriver()) {
    throw new HeadstartError(
      'GPU_REQUIRED',
      'There is no NVIDIA driver here, and the CUDA provider needs one: install it from https://www.nvidia.com/drivers, or give `withoutDriver` where it will be there later.',
      { option: 'withoutDriver' },
    );
  }
  await checkVersion();
  await using temporary = await makeTemporaryFolder('headstart-cuda');
  const folder = await obtain(options, temporary.path);
  const files = await place(folder, directory, options);
  const provider = join(directory, 'libonnxruntime_providers_cuda.so');
  return { directory, files, missing: await missingLibraries(provider) };
}

/** Whether an NVIDIA driver is loaded, also that of Windows within its Linux subsystem. */
function hasDriver(): boolean {
  return ['/proc/driver/nvidia/version', '/usr/lib/wsl/lib/libcuda.so.1'].some(existsSync);
}

async function takeAway(directory: string): Promise<SetupCudaResult> {
  const files = required.filter((name) => existsSync(join(directory, name)));
  for (const name of files) await rm(join(directory, name));
  return { directory, files };
}

/** A provider of another version would be loaded and then crash. */
async function checkVersion(): Promise<void> {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(require.resolve('onnxruntime-node')));
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  if (version === source.onnxRuntime) return;
  throw new HeadstartError(
    'USAGE',
    `onnxruntime-node is ${version} here, but the CUDA provider is of ${source.onnxRuntime}: they must be the same.`,
  );
}

/** The folder in which the libraries are. */
async function obtain(
  { from, signal, onNotice }: SetupCudaOptions,
  temporary: string,
): Promise<string> {
  if (from !== undefined) {
    const found = await stat(from).catch(() => undefined);
    if (found?.isDirectory()) return from;
    if (!found?.isFile()) {
      const what = found ? `${from} is not a regular file` : `There is no ${from}`;
      throw new HeadstartError('USAGE', `${what}: give a folder or a .tgz file.`);
    }
    return unpack(from, temporary, signal);
  }
  onNotice?.({
    level: 'info',
    text: `Fetching ${source.package} with npm (179 MB): a package of a third party, not of ONNX Runtime's makers; its SHA-512 is compared`,
  });
  try {
    const args = ['pack', source.package, '--pack-destination', temporary, '--json'];
    const { stdout } = await run('npm', args, { signal, maxBuffer: 2 ** 26 });
    const [packed] = JSON.parse(stdout) as { filename: string }[];
    return await unpack(join(temporary, packed?.filename ?? ''), temporary, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof HeadstartError) throw error;
    throw new HeadstartError(
      'DOWNLOAD_FAILED',
      `npm cannot fetch ${source.package}: ${reasonOf(error).split('\n')[0]}. Check the connection, or fetch it elsewhere with \`npm pack ${source.package}\` and give the file with \`from\`.`,
      { cause: error, option: 'from' },
    );
  }
}

async function unpack(
  file: string,
  temporary: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(file, { signal })) hash.update(chunk);
  if (hash.digest('hex') !== source.sha512) {
    throw new HeadstartError(
      'DOWNLOAD_FAILED',
      `${file} is not ${source.package} as npm publishes it: its sha512 differs. Fetch it again.`,
    );
  }
  await run('tar', ['-xzf', file, '-C', temporary, source.folder], { signal });
  return join(temporary, source.folder);
}

async function place(
  folder: string,
  directory: string,
  { signal }: SetupCudaOptions,
): Promise<string[]> {
  const lacking = required.filter((name) => !existsSync(join(folder, name)));
  if (lacking.length > 0) {
    throw new HeadstartError('USAGE', `${folder} has no ${lacking.join(' and no ')}.`);
  }
  const files = required.filter((name) => existsSync(join(folder, name)));
  for (const name of files) {
    signal?.throwIfAborted();
    const target = join(directory, name);
    const partial = `${target}.${process.pid}.partial`;
    try {
      await copyFile(join(folder, name), partial);
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw new HeadstartError(
        'OUTPUT_UNWRITABLE',
        `Cannot write ${target}: ${reasonOf(error)}. Run the command as the user who installed Headstart.`,
        { cause: error },
      );
    }
  }
  return files;
}
