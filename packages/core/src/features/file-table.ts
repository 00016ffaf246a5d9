const keyBytes = 16;
const valueBytes = 76;
export const fileEntryBytes = keyBytes + valueBytes;

/**
 * Entries of files, found by key: an open-addressing hash table (linear probing) over one buffer. The
 * last entry of a key counts.
 */
export class FileTable {
  #entries = Buffer.alloc(0);
  #count = 0;
  /** Number of an entry, from 1; 0 where the slot is free. */
  #slots = new Uint32Array(1024);

  /** All entries, one for each key. */
  get bytes(): Buffer {
    return this.#entries.subarray(0, this.#count * fileEntryBytes);
  }

  /** Adds entries; what is left at the end and shorter than one is left out. */
  add(added: Buffer): void {
    const count = Math.floor(added.length / fileEntryBytes);
    this.#reserve(this.#count + count);
    for (let i = 0; i < count; i++) {
      const entry = i * fileEntryBytes;
      const slot = this.#slot(added, entry);
      if (this.#slots[slot] === 0) this.#slots[slot] = ++this.#count;
      const number = (this.#slots[slot] as number) - 1;
      added.copy(this.#entries, number * fileEntryBytes, entry, entry + fileEntryBytes);
    }
  }

  find(key: Buffer): Buffer | undefined {
    const number = (this.#slots[this.#slot(key, 0)] as number) - 1;
    if (number < 0) return undefined;
    const at = number * fileEntryBytes;
    return this.#entries.subarray(at + keyBytes, at + fileEntryBytes);
  }

  /** Where the key at `at` is, or has its place. Keys are digests: their first bytes are as good as a hash. */
  #slot(bytes: Buffer, at: number): number {
    const mask = this.#slots.length - 1;
    let slot = bytes.readUInt32LE(at) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const other = ((this.#slots[slot] as number) - 1) * fileEntryBytes;
      const end = other + keyBytes;
      if (bytes.compare(this.#entries, other, end, at, at + keyBytes) === 0) break;
    }
    return slot;
  }

  /** Makes room for so many entries, a third of the slots free. */
  #reserve(count: number): void {
    const room = this.#entries.length / fileEntryBytes;
    if (count <= room) return;
    const entries = Buffer.allocUnsafeSlow(
      Math.max(count, Math.ceil(1.25 * room)) * fileEntryBytes,
    );
    this.bytes.copy(entries);
    this.#entries = entries;
    let length = this.#slots.length;
    while (3 * entries.length > 2 * length * fileEntryBytes) length *= 2;
    if (length === this.#slots.length) return;
    this.#slots = new Uint32Array(length);
    for (let i = 0; i < this.#count; i++) {
      this.#slots[this.#slot(this.#entries, i * fileEntryBytes)] = i + 1;
    }
  }
}
