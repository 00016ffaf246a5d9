import { createHash } from 'node:crypto';

/**
 * When records were last used. One entry stands for a set of records that were used together: under
 * the digest of their keys, the day (4 bytes, little-endian, days since 1970) and 6 bytes for each
 * record. Using the same set again on the same day writes nothing.
 */
const dayBytes = 4;
const tagBytes = 6;
const millisecondsADay = 86_400_000;

/** Days since 1970. */
export function dayOf(time: number): number {
  return Math.floor(time / millisecondsADay);
}

/** 48 bits for a feature key. Two keys of the same bits are kept as long as the later one. */
export function tagOf(key: Buffer): number {
  return (
    (key.readUInt16LE(0) ^ key.readUInt16LE(16) ^ key.readUInt16LE(48)) * 2 ** 32 +
    ((key.readUInt32LE(2) ^ key.readUInt32LE(18) ^ key.readUInt32LE(50)) >>> 0)
  );
}

/** The entry for records used on a day. */
export function encodeUse(keys: readonly Buffer[], day: number): { key: Buffer; value: Buffer } {
  const tags = Float64Array.from(keys, tagOf).sort();
  const value = Buffer.alloc(dayBytes + tagBytes * tags.length);
  value.writeUInt32LE(day, 0);
  tags.forEach((tag, i) => {
    value.writeUIntLE(tag, dayBytes + tagBytes * i, tagBytes);
  });
  const key = createHash('sha256').update(value.subarray(dayBytes)).digest().subarray(0, 16);
  return { key, value };
}

/** 0 where there is no entry. */
export function dayOfUse(value: Buffer | undefined): number {
  return value && value.length >= dayBytes ? value.readUInt32LE(0) : 0;
}

/** The tags of an entry's records. */
export function* tagsOf(value: Buffer): Generator<number> {
  for (let at = dayBytes; at + tagBytes <= value.length; at += tagBytes) {
    yield value.readUIntLE(at, tagBytes);
  }
}

/** The last day of each record, by its tag, from all entries. */
export class LastUses {
  readonly #days = new Map<number, number>();

  add(value: Buffer): void {
    const day = dayOfUse(value);
    for (const tag of tagsOf(value)) {
      if ((this.#days.get(tag) ?? -1) < day) this.#days.set(tag, day);
    }
  }

  /** Undefined where it is not known. */
  dayOf(key: Buffer): number | undefined {
    return this.#days.get(tagOf(key));
  }
}
