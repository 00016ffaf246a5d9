import { readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type BackendInfo, backends, canRenderJpeg } from '@headstart/native';
import { cudaProviderLibrary, locateBackbone, providerObstacle } from '../backbone/index.ts';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { forbidTelemetry } from '../base/onnx-runtime.ts';
import { software } from '../base/version.ts';
import { findOldCache } from '../features/index.ts';
import { sharpVersions } from '../image/index.ts';
import type { Finding } from './finding.ts';
import { machine, placeOf } from './host.ts';
import { missingLibraries } from './libraries.ts';

export interface DoctorOptions {
  readonly cacheDir?: string | undefined;
  readonly modelsDir?: string | undefined;
}

/**
 * Says what is here: the machine, what trains, what computes features, the weights, the cache.
 * Changes nothing.
 *
 * @example
 * ```ts
 * const broken = (await doctor()).filter(({ state }) => state === 'broken');
 * ```
 */
export async function doctor(options: DoctorOptions = {}): Promise<Finding[]> {
  const defaults = defaultDirectories();
  const { modelsDir = defaults.modelsDir, cacheDir = defaults.cacheDir } = options;
  return [
    { name: 'Headstart', state: 'ready', detail: software.headstart },
    ...machine(),
    ...trainers(),
    ...(await providers()),
    images(),
    await weights(modelsDir),
    await cache(cacheDir),
    ...(await oldCache(cacheDir)),
  ];
}

function trainers(): Finding[] {
  try {
    return backends().map(trainer);
  } catch (error) {
    const advice = 'Without it nothing can be trained: npm run build.';
    return [{ name: 'Head on the CPU', state: 'broken', detail: reasonOf(error), advice }];
  }
}

function trainer({ name, available, description, compute, reason }: BackendInfo): Finding {
  const title = name === 'cpu' ? 'Head on the CPU' : 'Head on the GPU';
  if (available) {
    return { name: title, state: 'ready', detail: `${description}; ${compute.join(', ')}` };
  }
  return { name: title, state: 'absent', detail: reason ?? '', advice: gpuAdvice(reason) };
}

/** @param reason as the addon gives it */
function gpuAdvice(reason = ''): string {
  if (reason.includes('nvcc')) {
    return 'Put nvcc of the CUDA toolkit on the PATH and build again: npm run build.';
  }
  if (reason.includes('driver'))
    return 'Install a current driver from https://www.nvidia.com/drivers.';
  return 'See `nvidia-smi`, and CUDA_VISIBLE_DEVICES in the environment.';
}

async function providers(): Promise<Finding[]> {
  const gpu = 'Features on the GPU';
  try {
    const runtime = `ONNX Runtime ${await onnxRuntimeVersion()}`;
    return [
      { name: 'Features on the CPU', state: 'ready', detail: runtime },
      {
        name: gpu,
        ...(await provider(runtime, providerObstacle(), cudaProviderLibrary())),
      },
    ];
  } catch (error) {
    const advice = 'Install the dependencies again: npm run build.';
    return [{ name: 'Features', state: 'broken', detail: reasonOf(error), advice }];
  }
}

async function provider(
  runtime: string,
  obstacle: string | undefined,
  file: string,
): Promise<Omit<Finding, 'name'>> {
  if (obstacle !== undefined) return { state: 'absent', detail: obstacle };
  const missing = await missingLibraries(file);
  if (!missing?.length) return { state: 'ready', detail: `${runtime}, CUDA provider` };
  return {
    state: 'broken',
    detail: `missing: ${missing.map(({ library }) => library).join(', ')}`,
    advice: [...new Set(missing.map(({ advice }) => advice))].join('; '),
  };
}

async function onnxRuntimeVersion(): Promise<string> {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(require.resolve('onnxruntime-node')));
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  forbidTelemetry();
  // Loading finds libraries that are missing or for another system.
  await import('onnxruntime-node');
  return manifest.version;
}

function images(): Finding {
  const name = 'Images';
  try {
    const { sharp, vips } = sharpVersions();
    const detail = `sharp ${sharp}, libvips ${vips}`;
    if (canRenderJpeg()) {
      return { name, state: 'ready', detail: `${detail}; plain JPEG files by libjpeg-turbo` };
    }
    const advice =
      'libjpeg-turbo decodes plain JPEG files in less than half of the time: install it with its header, and build again.';
    return { name, state: 'ready', detail, ...(process.platform === 'win32' ? {} : { advice }) };
  } catch (error) {
    return { name, state: 'broken', detail: reasonOf(error) };
  }
}

async function weights(modelsDir: string): Promise<Finding> {
  const name = 'Weights of VGG16';
  try {
    const { path, preprocessing, sha256, source } = await locateBackbone('vgg16', { modelsDir });
    const parts = [path, `preprocessing ${preprocessing}`, `sha256 ${sha256}`];
    return { name, state: 'ready', detail: [...parts, ...(source ? [source] : [])].join(', ') };
  } catch (error) {
    if (error instanceof HeadstartError && error.code === 'WEIGHTS_MISSING') {
      const advice = '`pullWeights()`';
      return { name, state: 'absent', detail: `not in ${modelsDir}`, advice };
    }
    const advice = 'Fetch them again: `pullWeights()`.';
    return { name, state: 'broken', detail: reasonOf(error), advice };
  }
}

async function cache(cacheDir: string): Promise<Finding> {
  const name = 'Feature cache';
  try {
    const { exists, free, advice } = await placeOf(cacheDir);
    if (!exists) {
      const detail = `${cacheDir} is made when features are computed; ${free}`;
      return { name, state: 'absent', detail, advice };
    }
    const size = megabytes(await sizeOf(cacheDir));
    return { name, state: 'ready', detail: `${cacheDir}, ${size}; ${free}`, advice };
  } catch (error) {
    const advice = 'Choose another folder with `cacheDir`.';
    return { name, state: 'broken', detail: `${cacheDir}: ${reasonOf(error)}`, advice };
  }
}

/** What a version before packs left in the cache's folder. */
async function oldCache(cacheDir: string): Promise<Finding[]> {
  const old = await findOldCache(cacheDir);
  if (!old) return [];
  const detail = `${old.folder}, ${megabytes(old.bytes)}, by an older version; it is not read`;
  return [{ name: 'Old feature cache', state: 'absent', detail, advice: old.remove }];
}

/** Bytes on disk of the files in a folder. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    // What another process removes meanwhile counts nothing.
    const found =
      entry.isFile() && (await stat(join(entry.parentPath, entry.name)).catch(() => null));
    if (found) bytes += found.blocks * 512;
  }
  return bytes;
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
