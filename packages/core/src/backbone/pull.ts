import { open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { statRegularFile } from '../base/regular-file.ts';
import type { Preprocessing, Vgg16Weights } from '../onnx/index.ts';
import { backboneModel, vgg16Citation } from '../onnx/index.ts';
import {
  digestOf,
  download,
  downloadTensors,
  type Expected,
  isConvolution,
  type ManifestEntry,
  readKerasWeights,
  readManifest,
  readSafetensorsWeights,
  verifyFile,
} from '../weights/index.ts';
import { describeFile } from './describe-file.ts';
import type { BackboneFile } from './file.ts';
import { vgg16Path, vgg16Variants } from './locate.ts';
import { writeChecked } from './write-checked.ts';

export interface PullOptions extends LongOperationOptions {
  readonly modelsDir: string;
  /** URL or file; default: the first entry of the manifest, or the mirror of it. */
  readonly from?: string | undefined;
  /** Default: the one that the weights were trained with. */
  readonly preprocess?: Preprocessing | undefined;
  /** Base address that replaces the folder of the manifest's URL (`HEADSTART_MIRROR`). */
  readonly mirror?: string | undefined;
}

/**
 * Fetches the weights of VGG16, checks them, and writes the backbone file into `modelsDir`.
 *
 * @throws HeadstartError `DOWNLOAD_FAILED`, `WEIGHTS_INVALID`, `OUTPUT_UNWRITABLE`
 */
export async function pullVgg16(options: PullOptions): Promise<BackboneFile> {
  const obtained = await obtain(options);
  try {
    return await convert(obtained, options);
  } catch (error) {
    throw obtained.temporary ? ofSource(error, obtained) : error;
  } finally {
    if (obtained.temporary) await rm(obtained.path, { force: true });
  }
}

/** A download is removed when it is of no use: the error names its address. */
function ofSource(error: unknown, { path, source }: Obtained): unknown {
  if (!(error instanceof HeadstartError) || error.code !== 'WEIGHTS_INVALID') return error;
  const message = error.message.replaceAll(path, source);
  return new HeadstartError(error.code, message, { cause: error });
}

async function convert(
  { path, source, partial }: Obtained,
  options: PullOptions,
): Promise<BackboneFile> {
  const { modelsDir, preprocess, signal, onProgress } = options;
  const weights = await readWeights(path);
  signal?.throwIfAborted();
  onProgress?.({ stage: 'convert', done: 0, total: 1, unit: 'files' });
  const model = backboneModel({
    name: 'vgg16',
    convolutions: weights.convolutions,
    preprocessing: preprocess ?? weights.preprocessing,
    metadata: {
      source: `${source} (${weights.format})`,
      ...(partial ? {} : { source_sha256: await digestOf(path, 'sha256') }),
      citation: vgg16Citation,
    },
  });
  const target = vgg16Path(modelsDir);
  await writeChecked(target, model, signal);
  // Variants of the weights that stood here before.
  for (const variant of await vgg16Variants(modelsDir)) await rm(variant, { force: true });
  onProgress?.({ stage: 'convert', done: 1, total: 1, unit: 'files' });
  return describeFile(target);
}

interface Obtained {
  readonly path: string;
  /** Where it is from, for the file's metadata. */
  readonly source: string;
  /** A download, not needed any more once it is converted. */
  readonly temporary: boolean;
  /** Only what is needed was downloaded: the file has holes. */
  readonly partial: boolean;
}

async function obtain(options: PullOptions): Promise<Obtained> {
  const { from, modelsDir, signal, onProgress } = options;
  if (from !== undefined && !isUrl(from)) return obtainLocal(from);
  const entry = readManifest().vgg16[0] as ManifestEntry;
  const url = from ?? mirrored(entry.url, options.mirror);
  const name = fileNameOf(url);
  refusePickle(name);
  const path = join(modelsDir, 'downloads', name);
  const expected = knownFile(name);
  const checked = expected?.md5 !== undefined || expected?.sha256 !== undefined;
  // Of a model with its dense layers, a tenth is needed. A checksum is one of the whole file.
  const partial =
    /\.safetensors$/i.test(name) &&
    !checked &&
    (await downloadTensors(url, path, { wants: isConvolution, signal, onProgress }));
  if (!partial) await download(url, path, { expected, signal, onProgress });
  return { path, source: url, temporary: true, partial };
}

async function obtainLocal(path: string): Promise<Obtained> {
  refusePickle(path);
  const name = basename(path);
  const expected = knownFile(name);
  if (expected) {
    await firstBytes(path);
    await verifyFile(path, expected).catch((error: unknown) => {
      throw new HeadstartError(
        'WEIGHTS_INVALID',
        `${path} is not the ${name} that Keras publishes: ${reasonOf(error)}. Fetch it again, or rename it where it is meant to be another.`,
        { cause: error },
      );
    });
  }
  return { path, source: name, temporary: false, partial: false };
}

/** The manifest's entry for a file of this name. */
function knownFile(name: string): Expected | undefined {
  return readManifest().vgg16.find(({ file }) => file === name);
}

function fileNameOf(url: string): string {
  if (URL.canParse(url)) return basename(new URL(url).pathname) || 'vgg16';
  throw new HeadstartError('USAGE', `${url} is not an address: give http(s)://… or a file.`);
}

function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

function mirrored(url: string, mirror: string | undefined): string {
  return mirror ? `${mirror.replace(/\/+$/, '')}/${basename(new URL(url).pathname)}` : url;
}

function refusePickle(name: string): void {
  if (/\.(pth?|pkl|pickle|bin)$/i.test(name)) throw pickleError(name);
}

function pickleError(name: string): HeadstartError {
  return new HeadstartError(
    'WEIGHTS_INVALID',
    `${name} is a pickle file, which can run any program when it is read: give the same weights as .safetensors (timm/vgg16.tv_in1k) or Keras's .h5.`,
  );
}

/** Reads weights in the format that the file's first bytes show. */
async function readWeights(path: string): Promise<Vgg16Weights> {
  const start = await firstBytes(path);
  if (start.subarray(0, 8).equals(Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'))) {
    return readKerasWeights(path);
  }
  if (start[8] === 0x7b) return readSafetensorsWeights(path);
  if (start[0] === 0x80) throw pickleError(path);
  if (start.subarray(0, 2).equals(Buffer.from('PK'))) {
    if (!/\.keras$/i.test(path)) throw pickleError(path);
    throw new HeadstartError(
      'WEIGHTS_INVALID',
      `${path} is a .keras archive: open it in Keras and write its weights with model.save_weights("vgg16.weights.h5").`,
    );
  }
  throw new HeadstartError(
    'WEIGHTS_INVALID',
    `${path} is neither a Keras .h5 file nor safetensors: give one of these.`,
  );
}

async function firstBytes(path: string): Promise<Buffer> {
  try {
    await statRegularFile(path);
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw new HeadstartError('WEIGHTS_INVALID', `Cannot read ${path}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}
