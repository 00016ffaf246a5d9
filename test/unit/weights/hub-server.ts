import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { breakOff, sendRest, serve, type TestServer } from '../backbone/server.ts';

export const commit = 'c0ffee'.padEnd(40, '0');

export interface HubFile {
  readonly bytes: Uint8Array;
  /** In the content store, by its SHA-256; others are in git. */
  readonly large?: boolean;
}

/** What a test wants answered otherwise; true where it was. */
type Instead = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface Hub extends AsyncDisposable {
  readonly url: string;
  /** Method, path and authorization of each request to the hub and to its content store. */
  readonly requests: { readonly path: string; readonly token: string | undefined }[];
  readonly ranges: TestServer['ranges'];
  instead: Instead;
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const gitBlob = (bytes: Uint8Array) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/** A server that answers as Hugging Face does, with its content store on another port. */
export async function serveHub(
  name: string,
  files: Readonly<Record<string, HubFile>>,
): Promise<Hub> {
  const requests: Hub['requests'] = [];
  const state: { instead: Instead } = { instead: () => false };
  const heard = (request: IncomingMessage, response: ServerResponse) => {
    requests.push({ path: request.url ?? '', token: request.headers.authorization });
    return state.instead(request, response);
  };
  const json = (response: ServerResponse, value: unknown, status = 200, headers = {}) =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(value));
  const store = await serve((request, response) => {
    if (heard(request, response)) return;
    const file = Object.values(files).find(
      ({ bytes }) => request.url === `/store/${sha256(bytes)}`,
    );
    if (file) sendRest(request, response, file.bytes);
    else json(response, { error: 'no such key' }, 404);
  });
  const tree = Object.entries(files).map(([path, { bytes, large }]) => ({
    type: 'file',
    path,
    size: bytes.length,
    oid: large ? gitBlob(Buffer.from(`pointer of ${path}`)) : gitBlob(bytes),
    ...(large ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } } : {}),
  }));
  const hub = await serve((request, response) => {
    if (heard(request, response)) return;
    const path = decodeURIComponent((request.url ?? '').replace(/\?.*/, ''));
    if (
      path === `/api/models/${name}/revision/main` ||
      path === `/api/models/${name}/revision/${commit}`
    ) {
      json(response, {
        _id: 'x',
        id: name,
        sha: commit,
        private: false,
        lastModified: '2026-01-01T00:00:00Z',
      });
    } else if (path === `/api/models/${name}/tree/${commit}`) {
      json(response, tree);
    } else {
      const prefix = `/${name}/resolve/${commit}/`;
      const file = path.startsWith(prefix) ? files[path.slice(prefix.length)] : undefined;
      if (!file)
        json(response, { error: 'Repository not found' }, 404, { 'x-error-code': 'RepoNotFound' });
      else if (file.large) {
        const linked = {
          'x-linked-etag': `"${sha256(file.bytes)}"`,
          'x-linked-size': file.bytes.length,
        };
        response
          .writeHead(302, { ...linked, location: `${store.url}/store/${sha256(file.bytes)}` })
          .end();
      } else sendRest(request, response, file.bytes);
    }
  });
  return {
    url: hub.url,
    requests,
    ranges: store.ranges,
    get instead() {
      return state.instead;
    },
    set instead(answer) {
      state.instead = answer;
    },
    [Symbol.asyncDispose]: async () => {
      await hub[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Breaks the first download from the content store off after `count` bytes. */
export function breakOnce(bytes: Uint8Array, count: number): Instead {
  let broken = false;
  return (request, response) => {
    if (broken || !request.url?.startsWith('/store/')) return false;
    broken = true;
    breakOff(request, response, bytes, count);
    return true;
  };
}
