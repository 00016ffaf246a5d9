import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { backends } from '@headstart/native';
import { HeadstartError } from '../errors.ts';

export type DeviceChoice = 'auto' | 'cuda' | 'cpu';
export type Provider = 'cuda' | 'cpu';

export interface DeviceOptions {
  /** Default `auto`: the GPU where it can be used, else the CPU, and says why. */
  readonly device?: DeviceChoice | undefined;
  /** Refuse the CPU. Default false. */
  readonly requireGpu?: boolean | undefined;
}

export interface ChosenDevice {
  readonly provider: Provider;
  /** Why the GPU is not used, where it might have been. */
  readonly notice?: string | undefined;
}

/**
 * The one place that decides where the backbone runs. A GPU that was asked for is never silently
 * replaced.
 *
 * @throws HeadstartError `GPU_REQUIRED` where a GPU was asked for and cannot be used
 */
export function chooseDevice({ device = 'auto', requireGpu = false }: DeviceOptions): ChosenDevice {
  if (device === 'cpu') {
    if (!requireGpu) return { provider: 'cpu' };
    throw new HeadstartError('GPU_REQUIRED', 'A GPU is required, but the device cpu was chosen.');
  }
  const obstacle = cudaObstacle();
  if (obstacle === undefined) return { provider: 'cuda' };
  return withoutGpu({ device, requireGpu }, obstacle);
}

/**
 * What happens where the GPU cannot be used: an error where it was asked for, else the CPU.
 *
 * @throws HeadstartError `GPU_REQUIRED`
 */
export function withoutGpu(
  { device = 'auto', requireGpu = false }: DeviceOptions,
  obstacle: string,
): ChosenDevice {
  if (device === 'cuda' || requireGpu) {
    throw new HeadstartError('GPU_REQUIRED', `A GPU is required and cannot be used: ${obstacle}.`);
  }
  return { provider: 'cpu', notice: `The CPU is used: ${obstacle}.` };
}

/** Why CUDA cannot be used, as far as can be told without trying; undefined where it may. */
function cudaObstacle(): string | undefined {
  const cuda = backends().find(({ name }) => name === 'cuda');
  if (!cuda?.available) return cuda?.reason?.replace(/\.$/, '') ?? 'there is no CUDA device';
  const library = cudaProviderLibrary();
  if (existsSync(library)) return undefined;
  return `ONNX Runtime's CUDA provider is not installed (${library})`;
}

/** Where ONNX Runtime looks for its CUDA provider. */
function cudaProviderLibrary(): string {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(require.resolve('onnxruntime-node')));
  const name =
    process.platform === 'win32'
      ? 'onnxruntime_providers_cuda.dll'
      : 'libonnxruntime_providers_cuda.so';
  return join(root, 'bin', 'napi-v6', process.platform, process.arch, name);
}
