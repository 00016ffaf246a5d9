import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemCode } from '../base/errors.ts';
import { encodeEntry } from './pack-table.ts';
import { keyOf, numbersOf, recordBytes } from './record.ts';

/** About where a pack ends and another one is begun: what `gc` takes out as one. */
const packBytes = 64 * 1024 * 1024;

const host = hostname()
  .replace(/[^\w.]/g, '_')
  .slice(0, 32);
const started = Math.round(performance.timeOrigin).toString(36);

/** A name that no other writer has, on whatever machine: host, process, its start, and chance. */
export function newWriterName(): string {
  return `${host}-${process.pid}-${started}-${randomBytes(4).toString('hex')}`;
}

/** Who made a name. */
export interface Writer {
  readonly host: string;
  readonly pid: number;
}

/** Undefined of what is not a writer's name. */
export function writerOf(name: string): Writer | undefined {
  const [, host, pid] = /^(.*)-(\d+)-\w+-\w+$/.exec(name) ?? [];
  return host === undefined ? undefined : { host, pid: Number(pid) };
}

/** Whether the process that made a name may still be there: false only where it is certainly gone. */
export function mayBeAlive(name: string): boolean {
  const writer = writerOf(name);
  if (writer?.host !== host) return true;
  try {
    process.kill(writer.pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

interface OpenPack {
  readonly name: string;
  readonly pack: number;
  readonly index: number;
  size: number;
  indexSize: number;
}

/** Appends records to packs of its own in one folder; each pack has one writer alone. */
export class PackWriter {
  readonly #folder: string;
  #open: OpenPack | undefined;
  readonly #flushing: Promise<unknown>[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Appends records (of `encodeRecords`), then their entries: others can read them at once. What was
   * appended before stays where that fails; a power failure may take the last seconds.
   *
   * @returns the name of the pack
   */
  append(records: Buffer): string {
    const open = this.#pack();
    const entries: Uint32Array[] = [];
    for (let at = 0; at < records.length; ) {
      const record = records.subarray(at);
      const size = numbersOf(record).length;
      entries.push(encodeEntry(keyOf(record), open.size + at, size));
      at += recordBytes(size);
    }
    const index = Buffer.concat(entries.map((entry) => new Uint8Array(entry.buffer)));
    try {
      writeAll(open.pack, records, open.size);
      writeAll(open.index, index, open.indexSize);
    } catch (error) {
      this.#abandon(open);
      throw error;
    }
    open.size += records.length;
    open.indexSize += index.length;
    return open.name;
  }

  /** Brings to disk what was appended, and closes. */
  async close(): Promise<void> {
    this.#leave();
    await Promise.all(this.#flushing);
  }

  /** Goes on with another pack, while this one is brought to disk. */
  #leave(): void {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return;
    const flushed = Promise.all([flushAndClose(open.pack), flushAndClose(open.index)]);
    // The caller of close gets a failure.
    flushed.catch(() => {});
    this.#flushing.push(flushed);
  }

  #pack(): OpenPack {
    // Who makes room may have taken out a pack that was not written to for a day.
    if (this.#open && (this.#open.size >= packBytes || fstatSync(this.#open.pack).nlink === 0)) {
      this.#leave();
    }
    if (this.#open) return this.#open;
    const name = newWriterName();
    const path = join(this.#folder, name);
    // First the index: a reader that finds a pack finds its index too.
    const index = openSync(`${path}.idx`, 'wx');
    try {
      const pack = openSync(`${path}.pack`, 'wx');
      this.#open = { name, pack, index, size: 0, indexSize: 0 };
      return this.#open;
    } catch (error) {
      closeSync(index);
      throw error;
    }
  }

  /** Takes back what was written of a batch, and leaves the pack. */
  #abandon({ name, pack, index, size, indexSize }: OpenPack): void {
    try {
      ftruncateSync(index, indexSize);
      ftruncateSync(pack, size);
      if (size === 0) {
        for (const end of ['pack', 'idx']) rmSync(`${join(this.#folder, name)}.${end}`);
      }
    } catch {
      // Readers find that what is left is not a whole record.
    }
    this.#leave();
  }
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

async function flushAndClose(fd: number): Promise<void> {
  try {
    await promisify(fdatasync)(fd);
  } finally {
    closeSync(fd);
  }
}
