import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  /** The `Range` header of each request, in order. */
  readonly ranges: (string | undefined)[];
}

type Answer = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

/** A server on this machine that answers as a test wants. */
export async function serve(answer: Answer): Promise<TestServer> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    ranges,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Where a request wants the file from, or 0. */
export function startOf(request: IncomingMessage): number {
  return Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
}

/** Answers with the rest of `bytes` that a request asks for, as a server with ranges does. */
export function sendRest(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) {
  const start = startOf(request);
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': bytes.length - start,
    ...(start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  response.end(bytes.subarray(start));
}

/** Announces the whole file, sends `count` bytes of what was asked for, and breaks off. */
export function breakOff(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  count: number,
) {
  const start = startOf(request);
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': bytes.length - start,
    ...(start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  response.write(bytes.subarray(start, start + count), () => response.destroy());
}

/** Answers a request for a part as a server with ranges does; `cut`: breaks off after so many bytes. */
export function sendPart(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  { etag, cut }: { readonly etag?: string; readonly cut?: number } = {},
) {
  const version = etag === undefined ? {} : { etag };
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const other = request.headers['if-range'];
  if (first === undefined || (other !== undefined && other !== etag)) {
    response.writeHead(200, { 'content-length': bytes.length, ...version });
    response.end(bytes);
    return;
  }
  const begin = Number(first);
  const end = Math.min(bytes.length, last ? Number(last) + 1 : bytes.length);
  response.writeHead(206, {
    'content-length': end - begin,
    'content-range': `bytes ${begin}-${end - 1}/${bytes.length}`,
    ...version,
  });
  if (cut === undefined) response.end(bytes.subarray(begin, end));
  else response.write(bytes.subarray(begin, Math.min(end, begin + cut)), () => response.destroy());
}
