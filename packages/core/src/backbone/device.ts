import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { backends } from '@headstart/native';
import { cudaObstacle } from '../base/cuda-obstacle.ts';
import {
  type ChosenDevice,
  chooseDevice,
  type Device,
  type DeviceOptions,
} from '../base/device.ts';
import { plural } from '../base/plural.ts';

/** What of ONNX Runtime computes. */
export type Provider = Device;

/**
 * Where the backbone runs.
 *
 * @throws HeadstartError `GPU_REQUIRED` where a GPU was asked for and cannot be used
 */
export function chooseProvider(options: DeviceOptions): ChosenDevice {
  return chooseDevice(options, providerObstacle);
}

/**
 * Whether cuDNN rounds the operands of float32 products to TF32, which keeps 10 bits of fraction: it
 * does, unless the environment sets it otherwise when it is loaded.
 */
export function usesTf32(provider: Provider): boolean {
  return provider !== 'cpu' && process.env.NVIDIA_TF32_OVERRIDE !== '0';
}

/** The device in words for people. */
export function providerName(provider: Provider, threads: number | undefined): string {
  if (provider === 'cpu') {
    return threads === undefined ? 'CPU' : `CPU, ${plural(threads, 'thread')}`;
  }
  return backends().find(({ name }) => name === 'cuda')?.description ?? 'CUDA';
}

/** Why ONNX Runtime cannot use CUDA, as far as can be told without trying; undefined where it may. */
export function providerObstacle(): string | undefined {
  const obstacle = cudaObstacle();
  if (obstacle !== undefined) return obstacle;
  if (existsSync(cudaProviderLibrary())) return undefined;
  return "ONNX Runtime's CUDA provider is not installed: run `setupCuda()`";
}

/** Where ONNX Runtime looks for its CUDA provider. */
export function cudaProviderLibrary(): string {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(require.resolve('onnxruntime-node')));
  const name =
    process.platform === 'win32'
      ? 'onnxruntime_providers_cuda.dll'
      : 'libonnxruntime_providers_cuda.so';
  return join(root, 'bin', 'napi-v6', process.platform, process.arch, name);
}
