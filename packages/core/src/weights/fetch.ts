import { open, rename, rm, stat } from 'node:fs/promises';
import { checkWritable } from '../base/atomic-file.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import {
  contentRange,
  makeFolderOf,
  RangeRefused,
  requestRange,
  retrying,
  versionOf,
  withoutSilence,
} from './http.ts';
import { type Expected, verifyFile } from './verify.ts';

export interface DownloadOptions extends LongOperationOptions {
  /** What the file must be; what is not known is not checked. */
  readonly expected?: Expected | undefined;
  /** Sent to the server itself, not to where it redirects. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A download on its way into `<path>.part`. */
interface Transfer extends DownloadOptions {
  readonly url: string;
  readonly part: string;
  /** What the server calls this version of the file; a part of another version is not continued. */
  version?: string | undefined;
}

/**
 * Downloads `url` to `path`, whole or not at all. The bytes gather in `<path>.part`: a broken
 * download goes on from there (HTTP ranges) in this call, and in a later one where a checksum
 * proves that the parts belong together.
 *
 * @throws HeadstartError `DOWNLOAD_FAILED`; `signal.reason` where aborted, keeping the part
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const { expected = {} } = options;
  const part = `${path}.part`;
  await makeFolderOf(path);
  const provable = [expected.md5, expected.sha256, expected.gitBlob].some(Boolean);
  if (!provable) await rm(part, { force: true });
  const continued = (await sizeOf(part)) > 0;
  try {
    await transfer({ ...options, url, part });
    await verify(url, part, expected);
  } catch (error) {
    // What an earlier call left may be wrong: then the whole file, once.
    if (!continued || (await sizeOf(part)) > 0 || options.signal?.aborted) throw error;
    await transfer({ ...options, url, part });
    await verify(url, part, expected);
  }
  await rename(part, path);
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** Asks for what is missing until it is there. */
function transfer(state: Transfer): Promise<void> {
  return retrying(state.url, state.signal, () => transferRest(state));
}

async function transferRest(state: Transfer): Promise<void> {
  const { url, part, signal, version, expected = {} } = state;
  const present = await sizeOf(part);
  if (expected.bytes !== undefined && present === expected.bytes) return;
  const begin = expected.bytes !== undefined && present > expected.bytes ? 0 : present;
  try {
    await withoutSilence(signal, async (watched, onBytes) => {
      const response = await requestRange(url, { begin, version, headers: state.headers }, watched);
      await save(response, begin, state, onBytes);
    });
  } catch (error) {
    // The part is of another file, or of an older version of this one.
    if (error instanceof RangeRefused) await rm(part, { force: true });
    throw error;
  }
}

async function save(
  response: Response,
  start: number,
  state: Transfer,
  onBytes: () => void,
): Promise<void> {
  const { part, expected = {}, onProgress } = state;
  const resumed = response.status === 206 && contentRange(response).begin === start;
  if (response.status === 206 && !resumed) throw new Error('the server sent another part');
  state.version = versionOf(response);
  let done = resumed ? start : 0;
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const total = expected.bytes ?? (Number.isFinite(length) ? done + length : undefined);
  await checkWritable(part);
  const file = await open(part, resumed ? 'a' : 'w');
  try {
    for await (const chunk of response.body ?? []) {
      onBytes();
      await file.writeFile(chunk);
      done += chunk.byteLength;
      // A server that never ends must not fill the disk.
      if (total !== undefined && done > total) break;
      onProgress?.({ stage: 'download', done, total, unit: 'bytes' });
    }
  } finally {
    await file.close();
  }
  if (total !== undefined && done < total) throw new Error('the connection broke off');
}

async function verify(url: string, part: string, expected: Expected): Promise<void> {
  try {
    await verifyFile(part, expected);
  } catch (error) {
    await rm(part, { force: true });
    throw new HeadstartError(
      'DOWNLOAD_FAILED',
      `What ${url} sent is not the file that is expected: ${reasonOf(error)}. Repeat the command, or give another source with \`from\`.`,
      { cause: error, option: 'from' },
    );
  }
}
