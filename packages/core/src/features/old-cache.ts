import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { shellWord } from '../base/shell-word.ts';

/** A cache of the form that versions before packs made (LMDB). It is not read. */
export interface OldCache {
  readonly folder: string;
  /** On disk. */
  readonly bytes: number;
  /** The command that removes it, and nothing else of the folder. */
  readonly remove: string;
}

/** The old cache in a cache's folder; undefined where there is none. */
export async function findOldCache(folder: string): Promise<OldCache | undefined> {
  const names: string[] = await readdir(folder).catch(() => []);
  if (!names.includes('format.json')) return undefined;
  const old = names
    .filter((name) => /^(format\.json|(data|lock)\.mdb|data-\d+)$/.test(name))
    .sort();
  let bytes = 0;
  for (const name of old) {
    const path = join(folder, name);
    const inside: string[] = await readdir(path).catch(() => []);
    for (const file of [path, ...inside.map((one) => join(path, one))]) {
      bytes += ((await stat(file).catch(() => undefined))?.blocks ?? 0) * 512;
    }
  }
  const paths = old.map((name) => shellWord(join(folder, name)));
  return { folder, bytes, remove: `rm -r ${paths.join(' ')}` };
}
