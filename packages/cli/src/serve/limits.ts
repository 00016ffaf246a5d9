import type { ConnectionBounds } from './connections.ts';

/** What one request, and all of them together, may cost. */
export interface ServeLimits {
  /** Bytes of one body. */
  readonly maxBodyBytes: number;
  /** Images in one request. */
  readonly maxImages: number;
  /** Pixels of one image, before it is decoded. */
  readonly maxPixels: number;
  /** Images accepted and not yet labelled. */
  readonly queueLimit: number;
  /** For a request to arrive, and again for its answer; a sixth of it where others wait for room. */
  readonly timeoutMs: number;
  /** For the answers that are under way when the server stops. */
  readonly stopMs: number;
  /** Connections that are open. */
  readonly connections: ConnectionBounds;
}

export const defaultLimits: ServeLimits = {
  maxBodyBytes: 32 * 1024 * 1024,
  maxImages: 32,
  maxPixels: 50_000_000,
  queueLimit: 256,
  timeoutMs: 30_000,
  stopMs: 2000,
  connections: { inAll: 1024, perAddress: 256 },
};
