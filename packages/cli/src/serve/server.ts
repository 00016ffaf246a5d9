import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ApiError, errorDocument, toApiError } from './api-error.ts';
import { ByteBudget } from './byte-budget.ts';
import { Connections, closeWith } from './connections.ts';
import { checkSource } from './guard.ts';
import type { ServeLimits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { allowedMethods } from './routes.ts';

export interface ServerOptions {
  readonly limits: ServeLimits;
  /** Further names of this server, in lower case. */
  readonly hosts: ReadonlySet<string>;
  readonly metrics: Metrics;
  /** Told of every answer that is a failure of ours. */
  readonly onFailure: (error: unknown) => void;
}

/** Bodies being received and worked on, in all: this many of the largest. */
const bodiesAtOnce = 8;

const keepAliveMs = 65_000;

/** A server with limits, guards and errors in JSON, and no routes yet. */
export function createServer(options: ServerOptions): FastifyInstance {
  const { limits } = options;
  const server = Fastify({
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.timeoutMs,
    // For a client that does not read its answer: longer than any answer takes to be made.
    connectionTimeout: limits.timeoutMs + keepAliveMs,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    http: {
      headersTimeout: Math.min(limits.timeoutMs, 15_000),
      connectionsCheckingInterval: 1000,
      // Without a Host, the answer is the one to a wrong Host.
      requireHostHeader: false,
    },
    clientErrorHandler: answerBadRequest,
    frameworkErrors: (error, _request, reply) => sendError(reply, toApiError(error)),
  });
  const connections = new Connections(server.server, limits.connections, () =>
    options.metrics.connectionRefused(),
  );
  server.addHook('preClose', async () => connections.closeIdle());
  takeBodies(server);
  addHooks(server, options);
  server.setErrorHandler((error, request, reply) => {
    const answer = toApiError(error);
    if (answer.status >= 500 && answer.status !== 503) options.onFailure(answer.cause ?? error);
    // What is left of a body that is refused is not waited for.
    if (!request.raw.complete) reply.header('connection', 'close');
    return sendError(reply, answer);
  });
  server.setNotFoundHandler((request, reply) => {
    const methods = allowedMethods(server, request.url);
    if (methods.length === 0) {
      throw new ApiError(404, 'NOT_FOUND', `There is nothing at ${request.url.slice(0, 200)}.`);
    }
    reply.header('allow', methods.join(', '));
    throw new ApiError(405, 'METHOD_NOT_ALLOWED', `Use ${methods.join(' or ')} here.`);
  });
  return server;
}

/** Images come as they are; everything else is small, and JSON. */
function takeBodies(server: FastifyInstance): void {
  server.removeContentTypeParser('text/plain');
  for (const type of [/^image\//i, /^multipart\/form-data/i, 'application/octet-stream']) {
    server.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
  }
}

function addHooks(server: FastifyInstance, { limits, hosts, metrics }: ServerOptions): void {
  const budget = new ByteBudget(bodiesAtOnce * limits.maxBodyBytes, limits.timeoutMs / 6);
  server.addHook('onRequest', async (request, reply) => {
    securityHeaders(reply);
    checkSource(request, hosts);
    const release = budget.take(bodyBytes(request, limits), {
      arrived: () => request.raw.complete,
      cut: () => cutOff(reply),
    });
    reply.raw.once('close', release);
  });
  let closing = false;
  server.addHook('preClose', async () => {
    closing = true;
  });
  // A connection that is kept alive would keep the server from closing.
  server.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.request(route, request.method, reply.statusCode, reply.elapsedTime / 1000);
  });
}

/** As the request announces it; in chunks, it may be as large as any. */
function bodyBytes({ headers }: FastifyRequest, { maxBodyBytes }: ServeLimits): number {
  const inChunks = headers['transfer-encoding'] !== undefined;
  const announced = inChunks ? maxBodyBytes : Number(headers['content-length'] ?? 0);
  if (announced <= maxBodyBytes) return announced;
  throw new ApiError(
    413,
    'BODY_TOO_LARGE',
    `The body is larger than the ${maxBodyBytes} bytes that this server takes.`,
  );
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

function securityHeaders(reply: FastifyReply): void {
  reply.headers({
    'content-security-policy': policy,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cache-control': 'no-store',
  });
}

function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  if (error.status === 503) reply.header('retry-after', '1');
  return reply.code(error.status).type('application/json').send(errorDocument(error));
}

/** Answers while the body is still arriving, and ignores the rest of it. */
function cutOff(reply: FastifyReply): void {
  reply.header('connection', 'close');
  const message = 'The body came too slowly while others waited: try again later.';
  sendError(reply, new ApiError(503, 'TOO_SLOW', message));
}

/** What is not HTTP, or came too slowly, never becomes a request: the answer is written by hand. */
function answerBadRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, phrase, code, message] = clientErrors[error.code ?? ''] ?? notHttp;
  const body = JSON.stringify(errorDocument(new ApiError(status, code, message)));
  closeWith(
    socket,
    `HTTP/1.1 ${status} ${phrase}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

type ClientAnswer = readonly [status: number, phrase: string, code: string, message: string];

const notHttp: ClientAnswer = [400, 'Bad Request', 'BAD_REQUEST', 'The request is not HTTP.'];
const clientErrors: Readonly<Record<string, ClientAnswer>> = {
  HPE_HEADER_OVERFLOW: [
    431,
    'Request Header Fields Too Large',
    'HEADERS_TOO_LARGE',
    'The headers are larger than 16 KB.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    408,
    'Request Timeout',
    'TIMEOUT',
    'The request did not arrive in time.',
  ],
};
