/** Buffers that are used again: new ones cost clearing, and collecting. */
export class BufferPool<T extends { readonly length: number } = Uint8Array<ArrayBuffer>> {
  readonly #free: T[] = [];
  readonly #most: number;
  readonly #make: (length: number) => T;

  /**
   * @param most how many are kept while nobody uses them
   * @param make a new one; default: bytes
   */
  constructor(most: number, make?: (length: number) => T) {
    this.#most = most;
    this.#make = make ?? ((length) => new Uint8Array(length) as unknown as T);
  }

  /** A buffer of `length` numbers, with whatever is in it. */
  take(length: number): T {
    const at = this.#free.findLastIndex((buffer) => buffer.length === length);
    return at < 0 ? this.#make(length) : (this.#free.splice(at, 1)[0] as T);
  }

  /** Gives back a buffer that was taken, once nobody else looks at it. */
  give(buffer: T): void {
    if (this.#free.length === this.#most) this.#free.shift();
    this.#free.push(buffer);
  }
}
