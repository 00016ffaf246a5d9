import { Backbone, type BackboneFile, locateBackbone } from '../backbone/index.ts';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import { checkOptions } from '../options/index.ts';
import { backboneChoice, type ExtractorOptions, extractorOptions } from './extractor-options.ts';
import { openStore } from './open.ts';
import { inPrecision, type SampleSource } from './precision.ts';
import type { FeatureStore } from './store.ts';

/** A backbone and the cache, open for one job or for several. */
export interface OpenBackbone extends AsyncDisposable {
  /** In float32. */
  readonly exact: BackboneFile;
  readonly file: BackboneFile;
  readonly backbone: Backbone;
  readonly cache: FeatureStore;
}

/** @throws HeadstartError `WEIGHTS_MISSING`, `BACKBONE_UNSUITABLE` */
async function findBackboneFiles(
  options: ExtractorOptions,
  source: SampleSource,
): Promise<Pick<OpenBackbone, 'exact' | 'file'>> {
  const exact = await findBackbone(options);
  return { exact, file: await inPrecision(exact, options, source) };
}

/**
 * Finds and opens the backbone and the cache.
 *
 * @param source images that the backbone may be turned into int8 with
 * @param open a backbone that is shared where it is the one that the options name
 * @throws HeadstartError `WEIGHTS_MISSING`, `BACKBONE_UNSUITABLE`, `GPU_REQUIRED`, `CACHE_UNUSABLE`
 */
export async function openBackboneAndCache(
  options: ExtractorOptions,
  source: SampleSource,
  open?: Backbone,
): Promise<OpenBackbone> {
  checkOptions(extractorOptions, options);
  const { exact, file } = await findBackboneFiles(options, source);
  const cache = await openStore(options);
  const device = options.precision === 'int8' ? 'cpu' : options.device;
  const requireGpu = options.requireGpu || options.precision === 'fp16';
  try {
    const backbone =
      open && serves(open, file, options)
        ? open.share(file)
        : await Backbone.openLazily(file, { ...options, device, requireGpu });
    const close = () => closeAll(backbone, cache);
    return { exact, file, backbone, cache, [Symbol.asyncDispose]: close };
  } catch (error) {
    await cache[Symbol.asyncDispose]();
    throw error;
  }
}

/** The same weights, where their precision is computed. */
function serves(
  { info }: Backbone,
  file: BackboneFile,
  { precision = 'fp32' }: ExtractorOptions,
): boolean {
  const onCpu = info.provider === 'cpu';
  const there = precision === 'fp32' || (precision === 'int8' ? onCpu : !onCpu);
  return info.sha256 === file.sha256 && there;
}

async function closeAll(backbone: Backbone, cache: FeatureStore): Promise<void> {
  try {
    await backbone.close();
  } finally {
    await cache[Symbol.asyncDispose]();
  }
}

async function findBackbone(options: ExtractorOptions) {
  const { backbone = 'vgg16', signal, onProgress, onNotice } = options;
  const modelsDir = options.modelsDir ?? defaultDirectories().modelsDir;
  const locate = (spec: string) =>
    locateBackbone(spec, { modelsDir, ...backboneChoice(options), signal, onProgress, onNotice });
  try {
    return await locate(backbone);
  } catch (error) {
    const missing = error instanceof HeadstartError && error.code === 'WEIGHTS_MISSING';
    if (!missing || !options.untrainedWhereMissing || backbone !== 'vgg16') throw error;
    return locate('vgg16-untrained');
  }
}
