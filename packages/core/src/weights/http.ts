import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';

const attempts = 4;
const stalledMs = 30_000;

/** The folder into which a file is downloaded. @throws HeadstartError `OUTPUT_UNWRITABLE` */
export async function makeFolderOf(path: string): Promise<void> {
  await makeFolders(dirname(path)).catch((error: unknown) => {
    throw new HeadstartError(
      'OUTPUT_UNWRITABLE',
      `Cannot write ${path}: ${reasonOf(error)}. Choose another folder with \`modelsDir\`.`,
      { cause: error, option: 'modelsDir' },
    );
  });
}

/**
 * Runs `work` until it succeeds, a few times, each after a longer pause. What it throws as
 * HeadstartError is final.
 *
 * @throws HeadstartError `DOWNLOAD_FAILED`; `signal.reason` where aborted
 */
export async function retrying(
  url: string,
  signal: AbortSignal | undefined,
  work: () => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
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
    `Cannot download ${url}: ${reasonOf(cause)}. Check the connection and repeat the command, or fetch the file elsewhere and give it with \`from\` FILE.`,
    { cause: error, option: 'from' },
  );
}

export interface RangeRequest {
  /** The first byte that is wanted. */
  readonly begin: number;
  /** The byte behind the last one; undefined: to the end. */
  readonly end?: number | undefined;
  /** What the server called the version that the other bytes are of. */
  readonly version?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * Asks for a part of a file. A server that ignores ranges, or has another version, answers with the
 * whole file (200). 416 is thrown as {@link RangeRefused}.
 *
 * @throws HeadstartError `DOWNLOAD_FAILED` where asking again is of no use
 */
export async function requestRange(
  url: string,
  { begin, end, version, headers: own }: RangeRequest,
  signal: AbortSignal,
): Promise<Response> {
  const isPart = begin > 0 || end !== undefined;
  const range = { range: `bytes=${begin}-${end === undefined ? '' : end - 1}` };
  const headers = { ...range, ...(version ? { 'if-range': version } : {}) };
  const response = await fetch(url, {
    headers: { ...own, 'accept-encoding': 'identity', ...(isPart ? headers : {}) },
    signal,
  });
  if (response.ok && response.body) return response;
  await response.body?.cancel();
  const { status } = response;
  const answer = `the server answered ${status} ${response.statusText}`.trimEnd();
  if (status === 416) throw new RangeRefused(answer);
  if (status === 429 || status >= 500) throw new Error(answer);
  throw new HeadstartError(
    'DOWNLOAD_FAILED',
    `Cannot download ${url}: ${answer}. Give another source with \`from\` FILE or URL.`,
    { option: 'from', cause: new Error(answer) },
  );
}

/** There is no such part of the file. */
export class RangeRefused extends Error {}

/** Where a part (206) begins, and how large the whole is; undefined where the answer does not give it. */
export function contentRange(response: Response): {
  readonly begin: number | undefined;
  readonly total: number | undefined;
} {
  const header = response.headers.get('content-range') ?? '';
  const [, begin, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header) ?? [];
  return {
    begin: begin === undefined ? undefined : Number(begin),
    total: total === undefined || total === '*' ? undefined : Number(total),
  };
}

/** What a strong ETag calls this version of the file. */
export function versionOf(response: Response): string | undefined {
  const etag = response.headers.get('etag');
  return etag?.startsWith('W/') ? undefined : (etag ?? undefined);
}

/** Runs `work` with a signal that also aborts where `onBytes` is not called for a while. */
export async function withoutSilence<T>(
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal, onBytes: () => void) => Promise<T>,
): Promise<T> {
  const silence = new AbortController();
  const silent = () => {
    silence.abort(new Error(`the server sent nothing for ${stalledMs / 1000} seconds`));
  };
  let timer = globalThis.setTimeout(silent, stalledMs);
  const onBytes = () => {
    clearTimeout(timer);
    timer = globalThis.setTimeout(silent, stalledMs);
  };
  const signals = signal ? [signal, silence.signal] : [silence.signal];
  try {
    return await work(AbortSignal.any(signals), onBytes);
  } finally {
    clearTimeout(timer);
  }
}
