/** Buffers that are used again: new ones cost clearing, and collecting. */
export class BufferPool {
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #most: number;

  /** @param most how many are kept while nobody uses them */
  constructor(most: number) {
    this.#most = most;
  }

  /** A buffer of `length` bytes, with whatever is in it. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#free.findLastIndex((buffer) => buffer.length === length);
    return at < 0
      ? new Uint8Array(length)
      : (this.#free.splice(at, 1)[0] as Uint8Array<ArrayBuffer>);
  }

  /** Gives back a buffer that was taken, once nobody else looks at it. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#free.length === this.#most) this.#free.shift();
    this.#free.push(buffer);
  }
}
