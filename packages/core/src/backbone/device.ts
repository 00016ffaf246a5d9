import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { backends } from '@headstart/native';
import { chooseDevice, cudaObstacle, type Device, type DeviceOptions } from '../base/device.ts';

/** What of ONNX Runtime computes. */
export type Provider = Device | 'tensorrt' | 'webgpu';

export interface ChosenProvider {
  readonly device: Provider;
  /** Why the GPU is not used, where it might have been. */
  readonly notice?: string | undefined;
}

/**
 * Where the backbone runs. TensorRT and WebGPU are taken where they are asked for, and not
 * otherwise. Whether WebGPU can be used shows when it is tried.
 *
 * @throws HeadstartError `GPU_REQUIRED` where a GPU was asked for and cannot be used
 */
export function chooseProvider(options: DeviceOptions): ChosenProvider {
  const { device } = options;
  if (device === 'webgpu') return { device };
  if (device !== 'tensorrt') return chooseDevice(options, providerObstacle);
  const { notice } = chooseDevice(options, tensorRtObstacle);
  return { device, notice };
}

/** The provider's names for ONNX Runtime: what the first cannot compute, the next does. */
export function executionProviders(provider: Provider): readonly Provider[] {
  return provider === 'tensorrt' ? ['tensorrt', 'cuda'] : [provider];
}

/**
 * Whether cuDNN rounds the operands of float32 products to TF32, which keeps 10 bits of fraction: it
 * does, unless the environment says otherwise when it is loaded.
 */
export function usesTf32(provider: Provider): boolean {
  return provider !== 'cpu' && provider !== 'webgpu' && process.env.NVIDIA_TF32_OVERRIDE !== '0';
}

/** The device in words for people. */
export function providerName(provider: Provider, threads: number | undefined): string {
  if (provider === 'cpu') {
    return threads === undefined ? 'CPU' : `CPU, ${threads} thread${threads === 1 ? '' : 's'}`;
  }
  if (provider === 'webgpu') return 'WebGPU';
  const gpu = backends().find(({ name }) => name === 'cuda')?.description ?? 'CUDA';
  return provider === 'tensorrt' ? `${gpu}, TensorRT` : gpu;
}

/** Why ONNX Runtime cannot use CUDA, as far as can be told without trying; undefined where it may. */
export function providerObstacle(): string | undefined {
  const obstacle = cudaObstacle();
  if (obstacle !== undefined) return obstacle;
  if (existsSync(cudaProviderLibrary())) return undefined;
  return "ONNX Runtime's CUDA provider is not installed: run `headstart setup cuda`";
}

/** The same for TensorRT, which computes beside CUDA. */
export function tensorRtObstacle(): string | undefined {
  const obstacle = providerObstacle();
  if (obstacle !== undefined || existsSync(tensorRtProviderLibrary())) return obstacle;
  return "ONNX Runtime's TensorRT provider is not installed: run `headstart setup cuda`";
}

/** Where ONNX Runtime looks for its CUDA provider. */
export function cudaProviderLibrary(): string {
  return providerLibrary('cuda');
}

/** Where ONNX Runtime looks for its TensorRT provider. */
export function tensorRtProviderLibrary(): string {
  return providerLibrary('tensorrt');
}

function providerLibrary(provider: string): string {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(require.resolve('onnxruntime-node')));
  const name =
    process.platform === 'win32'
      ? `onnxruntime_providers_${provider}.dll`
      : `libonnxruntime_providers_${provider}.so`;
  return join(root, 'bin', 'napi-v6', process.platform, process.arch, name);
}
