import type { FastifyReply } from 'fastify';
import { ApiError } from './api-error.ts';

/** Pages that listen at once; each holds a connection. */
const streamsAtOnce = 32;

/** Proxies close connections on which nothing is sent. */
const beatMs = 15_000;

/**
 * Server-sent events: states, of which the newest is what counts. A listener that reads slowly is
 * told of fewer of them, and so costs no memory.
 */
export class EventStreams<State> {
  readonly #closing: AbortSignal;
  /** What ends each of them. */
  readonly #open = new Set<() => void>();

  /** @param closing ends all of them */
  constructor(closing: AbortSignal) {
    this.#closing = closing;
    closing.addEventListener('abort', () => {
      for (const close of this.#open) close();
    });
  }

  /**
   * Answers with the states that a source gives.
   *
   * @param listen begins to send, and gives back what ends that
   * @throws ApiError 503 where too many listen already
   */
  open(reply: FastifyReply, listen: (send: (state: State) => void) => () => void): void {
    if (this.#open.size >= streamsAtOnce) {
      throw new ApiError(503, 'BUSY', 'Too many pages listen at once: try again later.');
    }
    reply.hijack();
    const { raw } = reply;
    // A connection that was kept alive after the stream would keep the server from closing.
    const own = { 'content-type': 'text/event-stream', connection: 'close' };
    raw.writeHead(200, { ...headersOf(reply), ...own });
    let newest: State | undefined;
    const flush = () => {
      if (newest === undefined || raw.writableNeedDrain || raw.writableEnded) return;
      raw.write(`data: ${JSON.stringify(newest)}\n\n`);
      newest = undefined;
    };
    raw.on('drain', flush);
    const end = listen((state) => {
      newest = state;
      flush();
    });
    const beat = setInterval(() => {
      if (!raw.writableNeedDrain) raw.write(': still here\n\n');
    }, beatMs);
    // What would be sent after the end is an error of the stream.
    const close = () => {
      this.#open.delete(close);
      end();
      clearInterval(beat);
      raw.end();
    };
    this.#open.add(close);
    raw.once('close', close);
    if (this.#closing.aborted || raw.destroyed) close();
  }
}

function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(
    Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]),
  );
}
