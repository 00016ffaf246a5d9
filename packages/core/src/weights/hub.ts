import { copyFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { ListFileEntry } from '@huggingface/hub';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { download } from './fetch.ts';
import { retrying } from './http.ts';
import { chooseModel, companionsOf, type HubName, parseHubName } from './hub-name.ts';

export { isHubName } from './hub-name.ts';

/** A model of Hugging Face in the cache that all of its programs share. */
export interface HubModel {
  /** `ORG/NAME` */
  readonly name: string;
  /** The commit. */
  readonly revision: string;
  /** The ONNX file. */
  readonly path: string;
  /** As its README names it. */
  readonly license: string | undefined;
}

export interface PullHubOptions extends LongOperationOptions {
  /** The ONNX file in the repository; default: `onnx/model.onnx`, `model.onnx`, or the only one. */
  readonly file?: string | undefined;
}

/** A repository, and where its files are kept. */
interface Place extends HubName {
  readonly spec: string;
  /** The address of the hub. */
  readonly hub: string;
  readonly cache: string;
  readonly folder: string;
}

async function placeOf(spec: string): Promise<Place> {
  const parsed = parseHubName(spec);
  const { getHFHubCachePath } = await import('@huggingface/hub');
  const cache = getHFHubCachePath();
  const hub = (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  const folder = join(cache, `models--${parsed.name.replace('/', '--')}`);
  return { ...parsed, spec, hub, cache, folder };
}

const isCommit = (text: string) => /^[0-9a-f]{40}$/.test(text);

/**
 * A model that was pulled, by this program or another; undefined where it is not here. The hub is not asked.
 *
 * @throws HeadstartError `USAGE` where it is not told which of its ONNX files is meant
 */
export async function cachedHubModel(spec: string, file?: string): Promise<HubModel | undefined> {
  const { name, revision, folder } = await placeOf(spec);
  const commit = isCommit(revision)
    ? revision
    : (await readFile(join(folder, 'refs', revision), 'utf8').catch(() => '')).trim();
  if (!isCommit(commit)) return undefined;
  const snapshot = join(folder, 'snapshots', commit);
  const names = await readdir(snapshot, { recursive: true }).catch(() => []);
  const paths = names.map((path) => path.split(sep).join('/'));
  if (!paths.some((path) => path.endsWith('.onnx') && (file ?? path) === path)) return undefined;
  const path = join(snapshot, chooseModel(spec, paths, file));
  // A link into nothing: what it led to was removed.
  if (!(await stat(path).catch(() => undefined))) return undefined;
  return { name, revision: commit, path, license: await licenseIn(snapshot) };
}

/**
 * Fetches a model, its weights in other files, and what its maker says of it. Sizes and digests are checked; what
 * is there already is not fetched again, and a broken download goes on.
 *
 * `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`, `HF_HUB_CACHE` and `HF_HOME` are heeded.
 *
 * @throws HeadstartError `DOWNLOAD_FAILED`, `USAGE`, `WEIGHTS_MISSING` where it may not be fetched; `signal.reason`
 *   where aborted
 */
export async function pullHubModel(spec: string, options: PullHubOptions = {}): Promise<HubModel> {
  const place = await placeOf(spec);
  const { name, folder, cache } = place;
  if (/^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '')) {
    const found = await cachedHubModel(spec, options.file);
    if (found) return found;
    throw new HeadstartError(
      'WEIGHTS_MISSING',
      `${spec} is not in ${cache}, and HF_HUB_OFFLINE is set: unset it, or copy the model there.`,
    );
  }
  const { commit, files } = await listModel(place, options);
  const model = chooseModel(spec, [...files.keys()], options.file);
  // The model comes last: where it is, all that belongs to it is.
  const wanted = [...companionsOf(model, [...files.keys()]), model];
  for (const path of wanted) {
    await fetchFile(place, commit, files.get(path) as ListFileEntry, options);
  }
  const snapshot = join(folder, 'snapshots', commit);
  if (place.revision !== commit) {
    const ref = join(folder, 'refs', place.revision);
    await mkdir(dirname(ref), { recursive: true });
    await writeFile(ref, commit);
  }
  return {
    name,
    revision: commit,
    path: join(snapshot, model),
    license: await licenseIn(snapshot),
  };
}

/** The commit that a revision stands for, and its files. */
async function listModel(place: Place, { signal }: PullHubOptions) {
  const { name, revision, hub } = place;
  const { listFiles, modelInfo } = await import('@huggingface/hub');
  const accessToken = tokenOf();
  const access = {
    hubUrl: hub,
    ...(accessToken === undefined ? {} : { accessToken }),
    fetch: (url: Parameters<typeof fetch>[0], init?: RequestInit) =>
      fetch(url, { ...init, signal: AbortSignal.any([...(signal ? [signal] : []), timeout()]) }),
  };
  let commit = '';
  let files = new Map<string, ListFileEntry>();
  await asked(place, signal, async () => {
    const { sha } = await modelInfo({ ...access, name, revision, additionalFields: ['sha'] });
    commit = sha;
    if (!isCommit(commit)) throw new Error(`the hub names the commit ${JSON.stringify(commit)}`);
    files = new Map();
    for await (const entry of listFiles({
      ...access,
      repo: name,
      revision: commit,
      recursive: true,
    })) {
      if (entry.type === 'file' && isSafe(entry.path)) files.set(entry.path, entry);
    }
  });
  return { commit, files };
}

const timeout = () => AbortSignal.timeout(30_000);

/** A path that stays within the folder that it is joined to, on every system. */
function isSafe(path: string): boolean {
  return /^[^\\:]+$/.test(path) && path.split('/').every((part) => !/^\.{0,2}$/.test(part));
}

function tokenOf(): string | undefined {
  const token = process.env.HF_TOKEN?.trim();
  if (!token) return undefined;
  if (/^hf_[\w-]+$/.test(token)) return token;
  throw new HeadstartError(
    'USAGE',
    'HF_TOKEN is not a token of Hugging Face: these begin with hf_.',
  );
}

/** Fetches a file into the cache, as Hugging Face's own programs keep it: a link to a file by its digest. */
async function fetchFile(
  place: Place,
  commit: string,
  { path, size, oid, lfs }: ListFileEntry,
  { signal, onProgress }: PullHubOptions,
): Promise<void> {
  const { spec, name, hub, folder } = place;
  const digest = lfs?.oid ?? oid ?? '';
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(digest)) {
    throw new HeadstartError('DOWNLOAD_FAILED', `${hub} names no digest for ${path} of ${spec}.`);
  }
  const blob = join(folder, 'blobs', digest);
  const link = join(folder, 'snapshots', commit, ...path.split('/'));
  await writing(place, async () => {
    await mkdir(dirname(blob), { recursive: true });
    await mkdir(dirname(link), { recursive: true });
  });
  if ((await stat(blob).catch(() => undefined))?.size !== size) {
    const url = `${hub}/${name}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
    const token = tokenOf();
    const expected = { bytes: size, ...(lfs ? { sha256: digest } : { gitBlob: digest }) };
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    await download(url, blob, { expected, headers, signal, onProgress }).catch((error: unknown) => {
      throw ofFile(error, place, path);
    });
  }
  await rm(link, { force: true });
  // Windows makes links for some users only.
  await symlink(relative(dirname(link), blob), link).catch(() => copyFile(blob, link));
}

async function writing(place: Place, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new HeadstartError(
      'OUTPUT_UNWRITABLE',
      `Cannot write into ${place.folder}: ${reasonOf(error)}. Choose another folder with HF_HUB_CACHE.`,
      { cause: error },
    );
  }
}

/** Asks the hub, again where it does not answer. @throws HeadstartError `DOWNLOAD_FAILED` */
async function asked(place: Place, signal: AbortSignal | undefined, work: () => Promise<void>) {
  const { spec, name, hub } = place;
  let refusal: HeadstartError | undefined;
  const once = () =>
    work().catch((error: { readonly statusCode?: number }) => {
      const text = refusals[error.statusCode ?? 0]?.({ spec, page: `${hub}/${name}` });
      if (text === undefined) throw error;
      refusal = new HeadstartError('DOWNLOAD_FAILED', text, { cause: error });
      throw refusal;
    });
  await retrying(hub, signal, once).catch((error: unknown) => {
    signal?.throwIfAborted();
    const text = `Cannot ask ${hub} for ${spec}: ${rootOf(error)}. Check the connection and repeat the command.`;
    throw refusal ?? new HeadstartError('DOWNLOAD_FAILED', text, { cause: error });
  });
}

type Refusal = (of: { readonly spec: string; readonly page: string }) => string;

const refusals: Readonly<Record<number, Refusal>> = {
  401: ({ spec, page }) =>
    `There is no ${spec}, or it is private: see ${page}, and set HF_TOKEN to a token that may read it.`,
  403: ({ spec, page }) =>
    `${spec} is given only to whom it was granted: accept its terms at ${page}, and set HF_TOKEN.`,
  404: ({ spec, page }) => `There is no ${spec}: see ${page} for its name and revisions.`,
};

/** What went wrong with a file, in words that fit the hub. */
function ofFile(error: unknown, { spec, name, hub }: Place, path: string): unknown {
  if (!(error instanceof HeadstartError) || error.code !== 'DOWNLOAD_FAILED') return error;
  const reason = rootOf(error);
  const status = Number(/answered (40[134])/.exec(reason)?.[1]);
  const why = refusals[status]?.({ spec, page: `${hub}/${name}` });
  const text = `Cannot fetch ${path} of ${spec}: ${reason}. Repeat the command: it goes on where it was.`;
  return new HeadstartError('DOWNLOAD_FAILED', why ?? text, { cause: error });
}

/** The reason behind a download that failed. */
function rootOf(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return reasonOf(root);
}

async function licenseIn(snapshot: string): Promise<string | undefined> {
  const readme = await readFile(join(snapshot, 'README.md'), 'utf8').catch(() => '');
  const [, head = ''] = /^---\r?\n(.*?)\n---/s.exec(readme) ?? [];
  return /^license:\s*["']?([\w.+-]+)/m.exec(head)?.[1];
}
