import { type FileHandle, open, rename, rm, writeFile } from 'node:fs/promises';
import { checkWritable } from '../base/atomic-file.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { readRegularText } from '../base/regular-file.ts';
import { readSafetensorsHeader, type SafetensorsHeader } from '../base/safetensors.ts';
import {
  contentRange,
  makeFolderOf,
  requestRange,
  retrying,
  versionOf,
  withoutSilence,
} from './http.ts';

export interface DownloadTensorsOptions extends LongOperationOptions {
  /** Whether a tensor is wanted. */
  readonly wants: (name: string) => boolean;
}

/** Bytes [begin, end) of the file. */
type Range = readonly [begin: number, end: number];

/** Asked for first: holds the header of most files. */
const firstBytes = 64 * 1024;

/** Wanted parts that are as near as this come in one request. */
const nearBytes = 256 * 1024;

/** What a broken download needs to go on. */
interface Progress {
  readonly url: string;
  readonly version: string;
  readonly total: number;
  /** Parts that are there. */
  readonly done: Range[];
}

/**
 * Downloads the header and the wanted tensors of a safetensors file, each at its place: what is not
 * wanted stays a hole in the file. The parts gather in `<path>.part`; a broken download goes on from
 * there, in a later call too where it is still the same file by the server's answer.
 *
 * @returns false where the server does not send parts of files; nothing was downloaded then
 * @throws HeadstartError `DOWNLOAD_FAILED`, `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function downloadTensors(
  url: string,
  path: string,
  options: DownloadTensorsOptions,
): Promise<boolean> {
  await makeFolderOf(path);
  const remote = await RemoteFile.open(url, options.signal);
  if (!remote) return false;
  const header = await readHeader(url, remote);
  const wanted = wantedRanges(header, options.wants);
  const part = `${path}.part`;
  const known = await readProgress(part, remote);
  await checkWritable(part);
  await using file = await open(part, known ? 'r+' : 'w');
  const done: Range[] = known ? [...known.done] : [];
  const total = wanted.reduce((sum, [begin, end]) => sum + end - begin, 0);
  const bytesDone = () => done.reduce((sum, [begin, end]) => sum + end - begin, 0);
  try {
    for (const [begin, end] of wanted) {
      let index = done.findIndex((range) => range[0] === begin);
      if (index < 0) index = done.push([begin, begin]) - 1;
      await retrying(url, options.signal, async () => {
        const [, at] = done[index] as Range;
        if (at >= end) return;
        await remote.copy([at, end], file, (upTo) => {
          done[index] = [begin, upTo];
          options.onProgress?.({ stage: 'download', done: bytesDone(), total, unit: 'bytes' });
        });
      });
    }
    // The file is as long as the whole one, so that its header is right.
    await file.truncate(remote.total);
  } catch (error) {
    await writeProgress(part, remote, done);
    throw error;
  }
  await rm(progressPath(part), { force: true });
  await rename(part, path);
  return true;
}

async function readHeader(url: string, remote: RemoteFile): Promise<SafetensorsHeader> {
  try {
    return await readSafetensorsHeader(url, remote.total, (begin, end) => remote.read(begin, end));
  } catch (error) {
    if (!(error instanceof HeadstartError) || error.code !== 'FEATURE_FILE_INVALID') throw error;
    throw new HeadstartError('WEIGHTS_INVALID', reasonOf(error), { cause: error });
  }
}

/** The header's bytes and those of the wanted tensors, in order; near ones are joined. */
function wantedRanges(header: SafetensorsHeader, wants: (name: string) => boolean): Range[] {
  const entries = [...header.tensors.entries()];
  const data = Math.min(...entries.map(([, { begin }]) => begin));
  const ranges: Range[] = entries
    .filter(([name, { begin, end }]) => wants(name) && end > begin)
    .map(([, { begin, end }]): Range => [begin, end])
    .sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [[0, Number.isFinite(data) ? data : firstBytes]];
  for (const [begin, end] of ranges) {
    const last = joined.at(-1) as [number, number];
    if (begin - last[1] <= nearBytes) last[1] = Math.max(last[1], end);
    else joined.push([begin, end]);
  }
  return joined;
}

/** A file on a server that sends parts of files. */
class RemoteFile {
  readonly url: string;
  readonly total: number;
  /** The server's name for this version of the file; empty where it gives none. */
  readonly version: string;
  readonly #start: Uint8Array;
  readonly #signal: AbortSignal | undefined;

  private constructor(
    url: string,
    total: number,
    version: string,
    start: Uint8Array,
    signal: AbortSignal | undefined,
  ) {
    this.url = url;
    this.total = total;
    this.version = version;
    this.#start = start;
    this.#signal = signal;
  }

  static async open(url: string, signal?: AbortSignal): Promise<RemoteFile | undefined> {
    let opened: RemoteFile | undefined;
    await retrying(url, signal, async () => {
      opened = await withoutSilence(signal, async (watched) => {
        const response = await requestRange(url, { begin: 0, end: firstBytes }, watched);
        const { begin, total } = contentRange(response);
        if (response.status !== 206 || begin !== 0 || total === undefined) {
          await response.body?.cancel();
          return undefined;
        }
        const start = new Uint8Array(await response.arrayBuffer());
        return new RemoteFile(url, total, versionOf(response) ?? '', start, signal);
      });
    });
    return opened;
  }

  /** The bytes [begin, end). */
  async read(begin: number, end: number): Promise<Uint8Array> {
    if (end <= this.#start.length) return this.#start.slice(begin, end);
    const bytes = new Uint8Array(end - begin);
    let at = begin;
    await retrying(this.url, this.#signal, () =>
      this.#receive([at, end], (chunk) => {
        bytes.set(chunk, at - begin);
        at += chunk.length;
      }),
    );
    return bytes;
  }

  /** Writes the bytes [begin, end) to their place in a file, saying how far it is. */
  copy([begin, end]: Range, file: FileHandle, onWritten: (upTo: number) => void): Promise<void> {
    let at = begin;
    return this.#receive([begin, end], async (chunk) => {
      await file.write(chunk, 0, chunk.length, at);
      at += chunk.length;
      onWritten(at);
    });
  }

  #receive(
    [begin, end]: Range,
    onChunk: (chunk: Uint8Array) => void | Promise<void>,
  ): Promise<void> {
    return withoutSilence(this.#signal, async (signal, onBytes) => {
      const version = this.version || undefined;
      const response = await requestRange(this.url, { begin, end, version }, signal);
      const answered = contentRange(response);
      const same = answered.begin === begin && answered.total === this.total;
      if (response.status !== 206 || !same || (versionOf(response) ?? '') !== this.version) {
        await response.body?.cancel();
        throw new HeadstartError(
          'DOWNLOAD_FAILED',
          `${this.url} changed while it was being downloaded: repeat the command.`,
        );
      }
      let at = begin;
      for await (const chunk of response.body ?? []) {
        onBytes();
        // More than was asked for is not taken.
        const rest = chunk.subarray(0, end - at);
        if (rest.length === 0) break;
        await onChunk(rest);
        at += rest.length;
      }
      if (at < end) throw new Error('the connection broke off');
    });
  }
}

const progressPath = (part: string) => `${part}.json`;

async function readProgress(part: string, remote: RemoteFile): Promise<Progress | undefined> {
  try {
    const progress = JSON.parse(await readRegularText(progressPath(part))) as Progress;
    const same =
      progress.url === remote.url &&
      progress.total === remote.total &&
      progress.version === remote.version;
    // Without a name of its version it may be another file by now.
    return same && remote.version !== '' ? progress : undefined;
  } catch {
    return undefined;
  }
}

async function writeProgress(part: string, remote: RemoteFile, done: Range[]): Promise<void> {
  const { url, version, total } = remote;
  const progress: Progress = { url, version, total, done };
  await writeFile(progressPath(part), JSON.stringify(progress)).catch(() => {});
}
