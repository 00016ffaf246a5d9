import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { HeadstartError, reasonOf } from '../errors.ts';
import { makeFolders } from '../folders.ts';
import type { LongOperationOptions } from '../operation.ts';
import { type Expected, verifyFile } from './verify.ts';

export interface DownloadOptions extends LongOperationOptions {
  /** What the file must be; what is not known is not checked. */
  readonly expected?: Expected | undefined;
}

const attempts = 4;
const stalledMs = 30_000;

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
  await makeFolders(dirname(path)).catch((error: unknown) => {
    throw new HeadstartError(
      'OUTPUT_UNWRITABLE',
      `Cannot write ${path}: ${reasonOf(error)}. Choose another folder with --models-dir.`,
      { cause: error },
    );
  });
  const provable = expected.md5 !== undefined || expected.sha256 !== undefined;
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
async function transfer(state: Transfer): Promise<void> {
  const { url, signal } = state;
  for (let attempt = 1; ; attempt++) {
    try {
      await transferRest(state);
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof HeadstartError) throw error;
      if (attempt === attempts) throw failed(url, error);
      await setTimeout(250 * 2 ** attempt, undefined, { signal });
    }
  }
}

function failed(url: string, error: unknown): HeadstartError {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  return new HeadstartError(
    'DOWNLOAD_FAILED',
    `Cannot download ${url}: ${reasonOf(cause)}. Check the connection and repeat the command, or fetch the file elsewhere and give it with --from FILE.`,
    { cause: error },
  );
}

async function transferRest(state: Transfer): Promise<void> {
  const { part, signal, expected = {} } = state;
  const present = await sizeOf(part);
  if (expected.bytes !== undefined && present === expected.bytes) return;
  const start = expected.bytes !== undefined && present > expected.bytes ? 0 : present;
  const silence = new AbortController();
  const watch = watchSilence(silence);
  try {
    const signals = signal ? [signal, silence.signal] : [silence.signal];
    const response = await request(state, start, AbortSignal.any(signals));
    await save(response, start, state, watch.reset);
  } finally {
    watch.stop();
  }
}

async function request(state: Transfer, start: number, signal: AbortSignal): Promise<Response> {
  const { url, part, version } = state;
  const range = { range: `bytes=${start}-`, ...(version ? { 'if-range': version } : {}) };
  const response = await fetch(url, {
    headers: { 'accept-encoding': 'identity', ...(start > 0 ? range : {}) },
    signal,
  });
  if (response.ok && response.body) return response;
  await response.body?.cancel();
  const { status } = response;
  // 416: the part is of another file, or of an older version of this one.
  if (status === 416) await rm(part, { force: true });
  const answer = `the server answered ${status} ${response.statusText}`.trimEnd();
  if (status === 416 || status === 429 || status >= 500) throw new Error(answer);
  throw new HeadstartError(
    'DOWNLOAD_FAILED',
    `Cannot download ${url}: ${answer}. Give another source with --from FILE or URL.`,
  );
}

async function save(
  response: Response,
  start: number,
  state: Transfer,
  onBytes: () => void,
): Promise<void> {
  const { part, expected = {}, onProgress } = state;
  const resumed = response.status === 206 && rangeStart(response) === start;
  if (response.status === 206 && !resumed) throw new Error('the server sent another part');
  const etag = response.headers.get('etag');
  state.version = etag?.startsWith('W/') ? undefined : (etag ?? undefined);
  let done = resumed ? start : 0;
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const total = expected.bytes ?? (Number.isFinite(length) ? done + length : undefined);
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

/** Aborts where nothing comes for a while. */
function watchSilence(controller: AbortController) {
  const silent = () => {
    controller.abort(new Error(`the server sent nothing for ${stalledMs / 1000} seconds`));
  };
  let timer = globalThis.setTimeout(silent, stalledMs);
  const stop = () => clearTimeout(timer);
  const reset = () => {
    stop();
    timer = globalThis.setTimeout(silent, stalledMs);
  };
  return { reset, stop };
}

function rangeStart(response: Response): number | undefined {
  const match = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
  return match ? Number(match[1]) : undefined;
}

async function verify(url: string, part: string, expected: Expected): Promise<void> {
  try {
    await verifyFile(part, expected);
  } catch (error) {
    await rm(part, { force: true });
    throw new HeadstartError(
      'DOWNLOAD_FAILED',
      `What ${url} sent is not the file that is expected: ${reasonOf(error)}. Repeat the command, or give another source with --from.`,
      { cause: error },
    );
  }
}
