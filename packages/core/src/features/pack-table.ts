/**
 * The entries of the packs of one extractor, found by key: an open-addressing hash table (linear
 * probing) over typed arrays, at most 80 bytes an entry.
 *
 * An entry of an index file has 64 bytes, little-endian: bytes 16 to 63 of the key (content and view),
 * where the record begins in the pack (8 bytes), how many bytes of numbers it has (4), and a check of
 * the 60 bytes before: FNV-1a (Fowler, Noll, Vo) with 32-bit words in the place of bytes.
 */
export const entryBytes = 64;

const entryWords = entryBytes / 4;
const keyWords = 12;
const chunkBits = 12;
const chunkEntries = 2 ** chunkBits;
/** Of the words beside an entry: the number of its pack and two flags. */
const [damaged, duplicate] = [0x8000_0000, 0x4000_0000];
const packMask = 0x3fff_ffff;

export class PackTable {
  readonly #chunks: Uint32Array[] = [];
  readonly #packs: Uint32Array[] = [];
  /** Number of an entry, from 1; 0 where the slot is free. */
  #slots = new Uint32Array(1024);
  #count = 0;
  #keys = 0;

  /** Entries, duplicates included: they are numbered from 0. */
  get count(): number {
    return this.#count;
  }

  /** Distinct keys. */
  get keys(): number {
    return this.#keys;
  }

  /** Of memory. */
  get bytes(): number {
    const chunk = chunkEntries * (entryBytes + 4);
    return this.#slots.byteLength + this.#chunks.length * chunk;
  }

  /** Adds the entry that begins at word `at`, unless it is there. Of a pack, by its number. */
  add(words: Uint32Array, at: number, pack: number): boolean {
    if (4 * (this.#count + 1) > 3 * this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    let isDuplicate = false;
    let slot = hashOf(words, at) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const other = (this.#slots[slot] as number) - 1;
      if (!this.#matches(other, words, at)) continue;
      const same =
        words[at + keyWords] === this.#word(other, keyWords) && this.pack(other) === pack;
      if (same && words[at + keyWords + 1] === this.#word(other, keyWords + 1)) return false;
      isDuplicate = true;
    }
    const number = this.#count++;
    const [chunk, first] = [number >>> chunkBits, (number % chunkEntries) * entryWords];
    this.#chunks[chunk] ??= new Uint32Array(chunkEntries * entryWords);
    this.#packs[chunk] ??= new Uint32Array(chunkEntries);
    const target = this.#chunks[chunk];
    for (let k = 0; k < entryWords; k++) target[first + k] = words[at + k] as number;
    this.#packs[chunk][number % chunkEntries] = isDuplicate ? pack | duplicate : pack;
    this.#slots[slot] = number + 1;
    if (!isDuplicate) this.#keys++;
    return true;
  }

  /** The first entry of a key (64 bytes) that is not marked as damaged; -1 where there is none. */
  first(key: Buffer): number {
    for (let k = 0; k < keyWords; k++) wanted[k] = key.readUInt32LE(16 + 4 * k);
    return this.#search(hashOf(wanted, 0), wanted, 0, false);
  }

  /** Whether there is an entry of a key, damaged or not. */
  has(key: Buffer): boolean {
    for (let k = 0; k < keyWords; k++) wanted[k] = key.readUInt32LE(16 + 4 * k);
    return this.#search(hashOf(wanted, 0), wanted, 0, true) >= 0;
  }

  /** The next entry of the same key that is not marked as damaged; -1 where there is none. */
  next(after: number): number {
    const words = this.#chunks[after >>> chunkBits] as Uint32Array;
    const at = (after % chunkEntries) * entryWords;
    const mask = this.#slots.length - 1;
    let slot = hashOf(words, at) & mask;
    while (this.#slots[slot] !== after + 1) slot = (slot + 1) & mask;
    return this.#search(slot + 1, words, at, false);
  }

  /** Bytes 16 to 63 of the key of an entry. */
  key(i: number): Buffer {
    const words = this.#chunks[i >>> chunkBits] as Uint32Array;
    return Buffer.from(words.buffer, (i % chunkEntries) * entryBytes, 4 * keyWords);
  }

  /** Where the record begins in its pack. */
  offset(i: number): number {
    return this.#word(i, keyWords) + this.#word(i, keyWords + 1) * 2 ** 32;
  }

  /** Bytes of numbers. */
  size(i: number): number {
    return this.#word(i, keyWords + 2);
  }

  pack(i: number): number {
    return this.#flags(i) & packMask;
  }

  /** Whether an entry of the same key came before. */
  isDuplicate(i: number): boolean {
    return (this.#flags(i) & duplicate) !== 0;
  }

  markDamaged(i: number): void {
    (this.#packs[i >>> chunkBits] as Uint32Array)[i % chunkEntries]! |= damaged;
  }

  #search(from: number, words: Uint32Array, at: number, alsoDamaged: boolean): number {
    const mask = this.#slots.length - 1;
    for (let slot = from & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const i = (this.#slots[slot] as number) - 1;
      if (this.#matches(i, words, at) && (alsoDamaged || (this.#flags(i) & damaged) === 0))
        return i;
    }
    return -1;
  }

  #grow(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length);
    const mask = this.#slots.length - 1;
    for (let i = 0; i < this.#count; i++) {
      const words = this.#chunks[i >>> chunkBits] as Uint32Array;
      let slot = hashOf(words, (i % chunkEntries) * entryWords) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = i + 1;
    }
  }

  #matches(i: number, words: Uint32Array, at: number): boolean {
    const own = this.#chunks[i >>> chunkBits] as Uint32Array;
    const first = (i % chunkEntries) * entryWords;
    for (let k = 0; k < keyWords; k++) if (own[first + k] !== words[at + k]) return false;
    return true;
  }

  #word(i: number, k: number): number {
    return (this.#chunks[i >>> chunkBits] as Uint32Array)[
      (i % chunkEntries) * entryWords + k
    ] as number;
  }

  #flags(i: number): number {
    return (this.#packs[i >>> chunkBits] as Uint32Array)[i % chunkEntries] as number;
  }
}

const wanted = new Uint32Array(keyWords);

/** Contents are digests: their first word is as good as a hash; views of one differ in the ninth. */
function hashOf(words: Uint32Array, at: number): number {
  return ((words[at] as number) ^ Math.imul(words[at + 8] as number, 0x9e37_79b1)) >>> 0;
}

/** The entry of a record, for the index file. */
export function encodeEntry(key: Buffer, offset: number, size: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(entryWords);
  for (let k = 0; k < keyWords; k++) words[k] = key.readUInt32LE(16 + 4 * k);
  words[keyWords] = offset;
  words[keyWords + 1] = Math.floor(offset / 2 ** 32);
  words[keyWords + 2] = size;
  words[entryWords - 1] = checkOf(words, 0);
  return words;
}

/** Whether an entry is what was written. */
export function isRightEntry(words: Uint32Array, at: number): boolean {
  return words[at + entryWords - 1] === checkOf(words, at);
}

function checkOf(words: Uint32Array, at: number): number {
  let hash = 0x811c_9dc5;
  for (let k = 0; k < entryWords - 1; k++) {
    hash = Math.imul(hash ^ (words[at + k] as number), 0x0100_0193);
  }
  return hash >>> 0;
}
