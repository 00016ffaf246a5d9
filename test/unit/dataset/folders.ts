import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';

const made: string[] = [];

afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A temporary folder with these files (name: content); it goes when the test ends. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'headstart-test-'));
  made.push(root);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return root;
}

/** `count` files `folder/prefix00.jpg`, … of different contents. */
export function images(folder: string, count: number, prefix = ''): Record<string, string> {
  const name = (i: number) => `${folder}/${prefix}${String(i).padStart(2, '0')}.jpg`;
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [name(i), `${folder} ${prefix} ${i}`]),
  );
}
