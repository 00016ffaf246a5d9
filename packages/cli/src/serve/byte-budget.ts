import { ApiError } from './api-error.ts';

/** A body on its way. */
export interface Arrival {
  /** Whether it is here as a whole. */
  readonly arrived: () => boolean;
  /** Ends it; its bytes count no more. */
  readonly cut: () => void;
}

interface Body extends Arrival {
  readonly bytes: number;
  readonly since: number;
}

/**
 * Bounds the bytes of all bodies that are being received and worked on. Where there is no room, those
 * that have been arriving for long are cut off, the first ones first: a few slow clients must not
 * keep all others out.
 */
export class ByteBudget {
  readonly #total: number;
  readonly #patienceMs: number;
  readonly #now: () => number;
  /** In the order in which they began. */
  readonly #bodies = new Set<Body>();
  #used = 0;

  /** @param patienceMs how long a body may take before it must make room for others */
  constructor(total: number, patienceMs: number, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#patienceMs = patienceMs;
    this.#now = now;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * @returns gives the bytes back; further calls do nothing
   * @throws ApiError 503 where they do not fit
   */
  take(bytes: number, arrival: Arrival): () => void {
    const now = this.#now();
    this.#makeRoom(bytes, now);
    if (this.#used + bytes > this.#total) {
      throw new ApiError(503, 'BUSY', 'Too many uploads at once: try again later.');
    }
    const body = { ...arrival, bytes, since: now };
    this.#bodies.add(body);
    this.#used += bytes;
    return () => this.#release(body);
  }

  #makeRoom(bytes: number, now: number): void {
    for (const body of this.#bodies) {
      if (this.#used + bytes <= this.#total || now - body.since < this.#patienceMs) return;
      if (body.arrived()) continue;
      this.#release(body);
      body.cut();
    }
  }

  #release(body: Body): void {
    if (this.#bodies.delete(body)) this.#used -= body.bytes;
  }
}
