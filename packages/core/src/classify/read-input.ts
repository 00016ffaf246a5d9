import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { HeadstartError, namesStandIn, reasonOf, systemCode } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import { statRegularFile } from '../base/regular-file.ts';

/** A file's path; the bytes of an image file under a name, or what gives them when they are due. */
export type ImageInput =
  | string
  | { readonly name: string; readonly bytes: Uint8Array }
  | { readonly name: string; readonly read: () => Promise<Uint8Array> };

/** Larger files are not read. No image that is decoded is as large. */
const maxFileBytes = 1024 ** 3;

export interface FetchImageOptions extends OperationOptions {
  /** Default 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** For the whole answer; default 30 seconds. */
  readonly timeoutMs?: number | undefined;
}

/** @throws HeadstartError `IMAGE_UNREADABLE`, and what a `read` function throws */
export function readInput(input: ImageInput): Promise<Uint8Array> {
  if (typeof input === 'string') return readImageFile(input);
  return 'read' in input ? input.read() : Promise.resolve(input.bytes);
}

/** @throws HeadstartError `IMAGE_UNREADABLE`, whose cause's message is the bare reason */
export async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    const { size } = await statRegularFile(path);
    if (size > maxFileBytes) throw new Error(`it has ${size} bytes`);
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, plainReason(error), error);
  }
}

/**
 * Fetches an image file from a URL: `file:`, `http:` or `https:`.
 *
 * @throws HeadstartError `IMAGE_UNREADABLE`, whose cause's message is the bare reason;
 *   `signal.reason` where aborted
 * @example
 * ```ts
 * const name = 'https://example.org/photo.jpg';
 * await using classifier = await loadClassifier('runs/fruit');
 * const images = [{ name, read: () => fetchImage(name) }];
 * for await (const item of classifier.classify(images)) console.log(item);
 * ```
 */
export async function fetchImage(
  url: string,
  options: FetchImageOptions = {},
): Promise<Uint8Array> {
  const { maxBytes = 64 * 1024 ** 2, timeoutMs = 30_000, signal } = options;
  if (/^file:/i.test(url)) return readImageFile(pathOf(url));
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    const response = await fetch(url, { signal: either });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      const { status, statusText } = response;
      throw new Error(`the server answered ${`${status} ${statusText}`.trimEnd()}`);
    }
    return await bytesWithin(response.body, maxBytes);
  } catch (error) {
    signal?.throwIfAborted();
    const late = timeout.aborted && `the server took more than ${timeoutMs / 1000} seconds`;
    throw unreadable(url, late || reasonOf((error as Error).cause ?? error), error);
  }
}

async function bytesWithin(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early ends the transfer.
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw unreadable(url, `it names no file of this machine (${reasonOf(error)})`, error);
  }
}

function plainReason(error: unknown): string {
  if (namesStandIn(error)) return reasonOf(error);
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'reading it is not permitted';
    default:
      return reasonOf(error);
  }
}

function unreadable(name: string, reason: string, cause: unknown): HeadstartError {
  return new HeadstartError('IMAGE_UNREADABLE', `Cannot read the image ${name}: ${reason}.`, {
    cause: new Error(reason, { cause }),
  });
}
