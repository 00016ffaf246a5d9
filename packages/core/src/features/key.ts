import { hash } from 'node:crypto';
import type { BackboneInfo } from '../backbone/index.ts';
import {
  decodeVersion,
  type Fit,
  type ResizeMethod,
  type ResizeOptions,
  type ViewTransform,
  viewId,
} from '../image/index.ts';
import type { FeatureDtype } from './set.ts';

/** Everything besides the image that its features depend on. */
export interface ExtractorDescription {
  readonly backbone: string;
  readonly backboneSha256: string;
  readonly preprocessing: string;
  readonly layer: string | null;
  readonly height: number;
  readonly width: number;
  readonly featureShape: readonly number[];
  readonly resize: ResizeMethod;
  /** Absent where pictures are stretched. */
  readonly fit?: Exclude<Fit, 'stretch'> | undefined;
  readonly decodeVersion: number;
  readonly provider: string;
  /** Absent where it is ONNX Runtime. */
  readonly engine?: 'native' | undefined;
  /** Absent where products are not rounded to TF32. */
  readonly tf32?: true | undefined;
  readonly precision: string;
}

/** A description and its digest: 16 bytes of SHA-256. */
export interface ExtractorId {
  readonly description: ExtractorDescription;
  readonly digest: Buffer;
}

const digestBytes = 16;

/** Bytes of a feature key: extractor, content, view. */
export const keyBytes = digestBytes + 32 + digestBytes;

export function extractorId(
  info: BackboneInfo,
  { resize = 'bilinear', fit = 'stretch' }: ResizeOptions = {},
): ExtractorId {
  const description: ExtractorDescription = {
    backbone: info.name,
    backboneSha256: info.sha256,
    preprocessing: info.preprocessing,
    layer: info.layer ?? null,
    height: info.input.height,
    width: info.input.width,
    featureShape: info.featureShape,
    resize,
    ...(fit === 'stretch' ? {} : { fit }),
    decodeVersion: decodeVersion(resize),
    provider: info.provider,
    ...(info.engine === 'native' ? { engine: info.engine } : {}),
    ...(info.tf32 ? { tf32: true as const } : {}),
    precision: info.precision,
  };
  return { description, digest: digestOf(description) };
}

/**
 * Writes the key of one view's features: extractor digest (16 bytes), content hash (32 bytes), digest of
 * view and dtype (16 bytes). So the records of an extractor stand together, and within it those of
 * an image.
 */
export function writeFeatureKey(
  key: Buffer,
  extractor: ExtractorId,
  content: string,
  view: ViewTransform | undefined,
  dtype: FeatureDtype,
): void {
  const viewDigest = view ? digestOfView(view, dtype) : plainView[dtype];
  key.set(extractor.digest);
  key.write(content, digestBytes, 'hex');
  key.set(viewDigest, digestBytes + 32);
}

/** Of the image as it is: computed once, as most keys have it. */
const plainView: Readonly<Record<FeatureDtype, Buffer>> = {
  float16: digestOfView(undefined, 'float16'),
  float32: digestOfView(undefined, 'float32'),
};

function digestOfView(view: ViewTransform | undefined, dtype: FeatureDtype): Buffer {
  return digest(canonicalJson({ view: viewId(view), dtype }));
}

/** The content hash in a key, in hexadecimal. */
export function contentOf(key: Buffer): string {
  return key.toString('hex', digestBytes, digestBytes + 32);
}

/** Whether a digest is that of a description. */
export function isDigestOf(digestHex: string, description: ExtractorDescription): boolean {
  return digestOf(description).toString('hex') === digestHex;
}

function digestOf(description: ExtractorDescription): Buffer {
  // The name is for people: the same file under another name makes the same features.
  const { backbone: _, ...identity } = description;
  return digest(canonicalJson(identity));
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer').subarray(0, digestBytes);
}

/** JSON with sorted keys, for flat objects. */
function canonicalJson(value: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted));
}
