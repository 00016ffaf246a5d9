import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isIPv4, type Socket } from 'node:net';

/** How many connections may be open. */
export interface ConnectionBounds {
  readonly inAll: number;
  /** Of one IPv4 address, or of one /64 network of IPv6, which is what one client gets. */
  readonly perAddress: number;
}

/** After its last words, how long a connection stays open for the client to read them. */
const lingerMs = 1000;

/** How long a closing server waits for what clients have yet to send or to read. */
const clientMs = 2000;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The open connections of a server. */
export class Connections {
  readonly #open = new Map<Socket, string>();
  readonly #perAddress = new Map<string, number>();
  /** What each busy connection is at. */
  readonly #exchanges = new Map<Socket, Exchange>();

  /**
   * Closes each connection of the server that is over the bounds as soon as it is made.
   *
   * @param onRefused called for each that was closed so
   */
  constructor(server: Server, bounds: ConnectionBounds, onRefused: () => void) {
    server.on('connection', (socket: Socket) => {
      const address = clientAddress(socket.remoteAddress ?? '');
      const ofAddress = this.#perAddress.get(address) ?? 0;
      if (this.#open.size >= bounds.inAll || ofAddress >= bounds.perAddress) {
        socket.destroy();
        onRefused();
        return;
      }
      this.#open.set(socket, address);
      this.#perAddress.set(address, ofAddress + 1);
      socket.once('close', () => this.#forget(socket));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      const exchange = { request, response };
      this.#exchanges.set(socket, exchange);
      response.once('close', () => {
        if (this.#exchanges.get(socket) === exchange) this.#exchanges.delete(socket);
      });
    });
  }

  /**
   * Ends connections without a request at once, and soon those whose request does not arrive or
   * whose answer is not read.
   */
  closeIdle(): void {
    for (const socket of this.#open.keys()) if (!this.#exchanges.has(socket)) socket.destroy();
    setTimeout(() => {
      for (const [socket, { request, response }] of this.#exchanges) {
        if (!request.complete || response.writableEnded) socket.destroy();
      }
    }, clientMs).unref();
  }

  #forget(socket: Socket): void {
    const address = this.#open.get(socket);
    if (address === undefined) return;
    this.#open.delete(socket);
    this.#exchanges.delete(socket);
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }
}

/** Says something last, and closes the connection even where the client keeps its side open. */
export function closeWith(socket: Socket, text: string): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  socket.end(text);
}

/** The address whose connections count together. */
export function clientAddress(remote: string): string {
  const plain = remote.replace(/^::ffff:(?=[\d.]+$)/i, '').replace(/%.*$/, '');
  if (isIPv4(plain) || !plain.includes(':')) return plain;
  const [before = '', after] = plain.split('::');
  const groups = before === '' ? [] : before.split(':');
  const rest = after === undefined || after === '' ? [] : after.split(':');
  const zeros = after === undefined ? 0 : 8 - groups.length - rest.length;
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...rest];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
