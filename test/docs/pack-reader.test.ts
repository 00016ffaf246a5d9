import { execFileSync, spawnSync } from 'node:child_process';
import { appendFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFeatureCache } from '#core/features';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';
import { readPages } from './page.ts';

const python = process.env.HEADSTART_PYTHON ?? 'python3';
const hasPython = spawnSync(python, ['--version']).status === 0;

let place: TemporaryFolder;
beforeAll(async () => {
  place = await temporaryFolder();
});
afterAll(() => place[Symbol.asyncDispose]());

describe.skipIf(!hasPython)('the reader of packs in docs/file-formats.md', () => {
  it('reads what the cache wrote: keys, shapes, numbers, entries, up to the first bad record', async () => {
    const blocks = readPages().find(({ path }) => path === 'docs/file-formats.md')?.blocks ?? [];
    const reader = blocks.find(({ text }) => text.includes('def records(pack)'))?.text ?? '';
    expect(reader.split('\n').length).toBeLessThanOrEqual(40);
    await writeFile(join(place.path, 'reader.py'), reader);
    const key = (i: number) => Buffer.alloc(64, i).fill(9, 0, 16);
    const halves = { key: key(1), row: Uint16Array.of(0x3c00, 0x4200, 0xc500), shape: [3] };
    const floats = { key: key(2), row: Float32Array.of(1.5, -2, 4, 8), shape: [2, 1, 2] };
    const dir = join(place.path, 'cache');
    {
      await using cache = await openFeatureCache({ dir });
      cache.putBatch([
        { ...halves, dtype: 'float16' },
        { ...floats, dtype: 'float32' },
      ]);
    }
    const names = await readdir(dir, { recursive: true });
    const pack = join(dir, names.find((name) => name.endsWith('.pack')) ?? '');
    await appendFile(pack, Buffer.alloc(300, 'HSR2'));
    const file = pack.replace(/\.pack$/, '');
    const output = execFileSync(python, [join(place.path, 'reader.py'), file], {
      encoding: 'utf8',
    });
    expect(output.trim().split('\n')).toEqual([
      `${key(1).toString('hex')} (3,) -1.0`,
      `${key(2).toString('hex')} (2, 1, 2) 11.5`,
      `${key(1).toString('hex', 16)} 0 6`,
      `${key(2).toString('hex', 16)} 192 16`,
    ]);
  });
});
