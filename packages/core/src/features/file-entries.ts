import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRegularFileSync } from '../base/regular-file.ts';
import { FileTable, fileEntryBytes } from './file-table.ts';
import { listFolder } from './pack-folder.ts';
import { newWriterName } from './pack-writer.ts';

/** Files of entries are joined to one when there are more. */
const mostFiles = 8;

/**
 * What is remembered of files: fixed-size entries, found by the digest of a path. Each addition is a
 * file of its own, whole or not at all; a later entry of the same path counts. What is lost here costs
 * that files are read again.
 */
export class FileEntries {
  readonly #folder: string;
  #loaded: { readonly names: Set<string>; readonly table: FileTable } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  find(key: Buffer): Buffer | undefined {
    return this.#load().table.find(key);
  }

  add(added: readonly (readonly [key: Buffer, value: Buffer])[]): void {
    const { names, table } = this.#load();
    const bytes = Buffer.allocUnsafeSlow(added.length * fileEntryBytes);
    added.forEach(([key, value], i) => {
      key.copy(bytes, i * fileEntryBytes);
      value.copy(bytes, i * fileEntryBytes + key.length);
    });
    table.add(bytes);
    const joins = names.size >= mostFiles;
    mkdirSync(this.#folder, { recursive: true });
    // By the time, so that later ones are read later.
    const latest = Math.max(0, ...[...names].map((known) => parseInt(known, 36)));
    const time = Math.max(Date.now(), latest + 1);
    const name = `${time.toString(36).padStart(9, '0')}-${newWriterName()}.files`;
    const temporary = join(this.#folder, `${name}.tmp`);
    try {
      writeFileSync(temporary, joins ? table.bytes : bytes);
      renameSync(temporary, join(this.#folder, name));
    } finally {
      rmSync(temporary, { force: true });
    }
    if (joins) {
      for (const old of names) rmSync(join(this.#folder, old), { force: true });
      names.clear();
    }
    names.add(name);
  }

  #load() {
    if (this.#loaded) return this.#loaded;
    const names = new Set(listFolder(this.#folder).filter((name) => name.endsWith('.files')));
    const table = new FileTable();
    for (const name of [...names].sort()) {
      const path = join(this.#folder, name);
      if (isRegularFileSync(path)) table.add(readFileSync(path));
    }
    this.#loaded = { names, table };
    return this.#loaded;
  }
}
