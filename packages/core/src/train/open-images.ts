import { HeadstartError } from '../base/errors.ts';
import type { DataOptions, Dataset } from '../dataset/index.ts';
import {
  announceDataset,
  type Extractor,
  type ExtractorOptions,
  openExtractor,
  scanOnce,
} from '../features/index.ts';
import type { AugmentOptions } from '../image/index.ts';

export interface OpenImagesOptions extends ExtractorOptions, DataOptions {
  /** Folder or table of images; or else feature files. */
  readonly data?: string | undefined;
  /** How views differ from the plain image; undefined for plain images only. */
  readonly augment?: AugmentOptions | undefined;
}

/** How features come of images, or of the files that hold them. */
export interface ImageReader<Read, Files extends string[]> {
  /** Feature files as the user named them: all of them in place of a folder, or none. */
  readonly files: { readonly [At in keyof Files]: Files[At] | undefined };
  readonly fromFolder: (extractor: Extractor, dataset: Dataset) => Promise<Read>;
  readonly fromFiles: (...files: Files) => Promise<Read>;
}

/** Where features came from. */
export interface ImageOrigin extends AsyncDisposable {
  /** The folder or the feature file, as the user named it. */
  readonly source: string;
  /** The backbone, where images were read. */
  readonly extractor: Extractor | undefined;
}

/**
 * Opens a folder of images with the backbone that makes their features, or feature files.
 *
 * @throws HeadstartError `USAGE`, `DATA_LAYOUT` and all of {@link openExtractor}
 */
export async function openImages<Read, Files extends string[]>(
  options: OpenImagesOptions,
  reader: ImageReader<Read, Files>,
  open: typeof openExtractor = openExtractor,
): Promise<Read & ImageOrigin> {
  const { data, corrections } = options;
  const named = reader.files.filter((file) => file !== undefined);
  if (data !== undefined && named.length === 0) return openFolder(data, options, reader, open);
  const [source] = named;
  if (data !== undefined || source === undefined || named.length < reader.files.length) {
    const files =
      reader.files.length > 1 ? 'both `features` and `validationFeatures`' : '`features`';
    throw new HeadstartError('USAGE', `Give either a folder of images, or ${files}.`, {
      option: 'features',
    });
  }
  if (corrections !== undefined) {
    throw new HeadstartError(
      'USAGE',
      'Corrections are for a folder of images: leave out `corrections`, or correct the features when they are written.',
      { option: 'corrections' },
    );
  }
  const read = await reader.fromFiles(...(named as Files));
  return { ...read, source, extractor: undefined, [Symbol.asyncDispose]: async () => {} };
}

async function openFolder<Read>(
  data: string,
  options: OpenImagesOptions,
  { fromFolder }: Pick<ImageReader<Read, never>, 'fromFolder'>,
  open: typeof openExtractor,
): Promise<Read & ImageOrigin> {
  const scan = await scanOnce(data, options);
  const extractor = await open(options, async () => (await scan()).train);
  const close = () => extractor[Symbol.asyncDispose]();
  try {
    const dataset = await scan();
    announceDataset(dataset, options.onNotice);
    const read = await fromFolder(extractor, dataset);
    return { ...read, source: data, extractor, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
