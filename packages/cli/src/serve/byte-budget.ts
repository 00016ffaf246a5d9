import { ApiError } from './api-error.ts';

/** Bounds the bytes of all bodies that are being received and worked on. */
export class ByteBudget {
  readonly #total: number;
  #used = 0;

  constructor(total: number) {
    this.#total = total;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * @returns gives the bytes back; further calls do nothing
   * @throws ApiError 503 where they do not fit
   */
  take(bytes: number): () => void {
    if (this.#used + bytes > this.#total) {
      throw new ApiError(503, 'BUSY', 'Too many uploads at once: try again later.');
    }
    this.#used += bytes;
    let taken = bytes;
    return () => {
      this.#used -= taken;
      taken = 0;
    };
  }
}
