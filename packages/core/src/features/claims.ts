import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { systemCode } from '../base/errors.ts';

/**
 * Who computes what, where several processes fill one cache: under a feature key, who claimed it (8
 * random bytes), its process (4 bytes) and host (4 bytes of a digest), and when (8 bytes,
 * milliseconds since 1970). A claim ends when the record is written, with the process that made it,
 * or after a while: what a process on another machine that is gone claimed is then free again.
 */
const claimMs = 5 * 60_000;

/**
 * As long as a claim to read is believed: commands run for hours. A process that is gone ends it at
 * once, where that can be seen; a number of a process is given to another one sometime.
 */
const readingMs = { here: 7 * 86_400_000, elsewhere: 86_400_000 } as const;

type Place = 'here' | 'elsewhere';

const claimBytes = 24;

const host = createHash('sha256').update(hostname()).digest().readUInt32LE(0);

/** What became of a claim: the record is ours to compute, others are at it, or it is there. */
export type Claim = 'ours' | 'theirs' | 'there';

/** One who claims. */
export class Claimant {
  readonly token = randomBytes(8);

  /** The claim to write down. */
  encode(now: number): Buffer {
    const claim = Buffer.alloc(claimBytes);
    this.token.copy(claim);
    claim.writeUInt32LE(process.pid, 8);
    claim.writeUInt32LE(host, 12);
    claim.writeDoubleLE(now, 16);
    return claim;
  }

  isOwn(claim: Buffer): boolean {
    return this.token.compare(claim, 0, 8) === 0;
  }

  /** Whether somebody else is at it. */
  isTaken(claim: Buffer, now: number): boolean {
    return !this.isOwn(claim) && isValid(claim, now, { here: claimMs, elsewhere: claimMs });
  }
}

/** Whether who made a claim to read is still at it. */
export function isHeld(claim: Buffer, now: number): boolean {
  return isValid(claim, now, readingMs);
}

function isValid(claim: Buffer, now: number, most: Readonly<Record<Place, number>>): boolean {
  if (claim.length !== claimBytes) return false;
  const place = claim.readUInt32LE(12) === host ? 'here' : 'elsewhere';
  // One of the future was made by a clock that is wrong.
  if (!(Math.abs(now - claim.readDoubleLE(16)) < most[place])) return false;
  return place === 'elsewhere' || isAlive(claim.readUInt32LE(8));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
