import { HeadstartError, reasonOf } from '../base/errors.ts';
import { costlyReason } from './costly.ts';
import { decodableFormats, type ImageFormat, imageFormat } from './format.ts';
import { unreadableTiff } from './tiff.ts';

interface ReadingOptions {
  /** The file. */
  readonly name: string;
  readonly maxPixels: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does something with an image file's bytes by sharp, and gives the reason where it cannot be done.
 *
 * @throws HeadstartError `IMAGE_UNREADABLE`, whose cause's message is the bare reason
 */
export async function readingImage<T>(
  input: Uint8Array,
  { name, maxPixels, signal }: ReadingOptions,
  action: () => Promise<T>,
): Promise<T> {
  try {
    checkFormat(input);
    return await action();
  } catch (error) {
    signal?.throwIfAborted();
    // sharp cannot be loaded: that says nothing of the image.
    if (error instanceof HeadstartError) throw error;
    const cause = unreadable(error, maxPixels);
    const message = `Cannot read the image ${name}: ${cause.message}.`;
    throw new HeadstartError('IMAGE_UNREADABLE', message, { cause });
  }
}

/** The bare reason of an `IMAGE_UNREADABLE` error, without the file's name and full stop. */
export function unreadableReason(error: HeadstartError): string {
  return reasonOf(error.cause ?? error);
}

/**
 * What keeps an image from being read: the file, its kind, its size in pixels or the work of
 * decoding them, or its data.
 */
export type UnreadableKind = 'file' | 'format' | 'pixels' | 'damaged';

/** What an `IMAGE_UNREADABLE` error is about. */
export function unreadableKind({ cause }: HeadstartError): UnreadableKind {
  return cause instanceof Unreadable ? cause.kind : 'file';
}

/** The message is the bare reason. */
export class Unreadable extends Error {
  readonly kind: UnreadableKind;

  constructor(kind: UnreadableKind, reason: string, cause?: unknown) {
    super(reason, { cause });
    this.kind = kind;
  }
}

function checkFormat(input: Uint8Array): void {
  if (input.length === 0) throw new Unreadable('damaged', 'the file is empty');
  const format = imageFormat(input);
  if (format === undefined) {
    throw new Unreadable('format', 'its content is not an image format that is read here');
  }
  if (!decodableFormats.has(format)) {
    throw new Unreadable(
      'format',
      `its content is ${format.toUpperCase()}, which cannot be read here: convert it to PNG or JPEG`,
    );
  }
  checkContent(input, format);
}

function checkContent(input: Uint8Array, format: ImageFormat): void {
  const costly = costlyReason(format, input);
  if (costly !== undefined) throw new Unreadable('pixels', costly);
  const odd = format === 'tiff' ? unreadableTiff(input) : undefined;
  if (odd !== undefined) throw new Unreadable('format', odd);
}

/** sharp's refusal of a picture with too many pixels. */
export function isPixelLimit(error: unknown): boolean {
  return reasonOf(error).includes('exceeds pixel limit');
}

/**
 * A reason in the user's words. libvips gathers the messages of all decoders in one place, so that
 * with several files at work its text may be about another one: only what sharp itself says of
 * this file is used. The whole text stays in the chain of causes.
 */
function unreadable(error: unknown, maxPixels: number): Unreadable {
  if (error instanceof Unreadable) return error;
  if (/timeout: \d+% complete/.test(reasonOf(error))) {
    return new Unreadable('pixels', 'decoding it takes too long', error);
  }
  if (isPixelLimit(error)) {
    return new Unreadable('pixels', `it has more than ${maxPixels} pixels`, error);
  }
  const badHeader = /corrupt header|unsupported image format/.test(reasonOf(error));
  const reason = badHeader
    ? 'its header is damaged'
    : 'it is damaged, cut off, or of an unusual kind that cannot be decoded';
  return new Unreadable('damaged', reason, error);
}
