import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SafetensorsFile } from '#core/base/safetensors';
import { downloadTensors } from '#core/weights';
import { writeSafetensors } from '../../../packages/core/src/base/safetensors.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { sendPart, serve, type TestServer } from '../backbone/server.ts';

let folder: TemporaryFolder;
let path: string;
let content: Buffer;

const tensor = (bytes: number, seed: number) => ({
  dtype: 'U8' as const,
  shape: [bytes],
  data: Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + (i >> 8) + seed) & 255),
});
/** Two that are wanted, apart from each other, and two that are large and are not. */
const tensors = {
  'features.0.weight': tensor(200_000, 1),
  'classifier.0.weight': tensor(2_000_000, 2),
  'features.2.weight': tensor(150_000, 3),
  'classifier.3.weight': tensor(3_000_000, 4),
};
const wants = (name: string) => name.startsWith('features.');

beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'downloads', 'model.safetensors');
  const source = join(folder.path, 'source.safetensors');
  await writeSafetensors(source, tensors);
  content = await readFile(source);
});
afterEach(() => folder[Symbol.asyncDispose]());

async function expectWanted(): Promise<void> {
  await using file = await SafetensorsFile.open(path);
  for (const name of Object.keys(tensors).filter(wants)) {
    const { begin, end } = file.header.tensors.get(name)!;
    expect(await file.read(begin, end)).toEqual(tensors[name as keyof typeof tensors].data);
  }
  expect(await readdir(join(folder.path, 'downloads'))).toEqual(['model.safetensors']);
}

/** How many bytes all requests asked for. */
const askedFor = ({ ranges }: TestServer) =>
  ranges.reduce((sum, range) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    return sum + (first === undefined ? content.length : Number(last) + 1 - Number(first));
  }, 0);

describe('tensors of a file on a server', () => {
  test('come without those that are not wanted', async () => {
    await using server = await serve((request, response) => sendPart(request, response, content));
    const seen: number[] = [];
    const onProgress = ({ done, total }: { done: number; total?: number | undefined }) => {
      expect(done).toBeLessThanOrEqual(total ?? 0);
      seen.push(done);
    };
    expect(await downloadTensors(server.url, path, { wants, onProgress })).toBe(true);
    await expectWanted();
    expect(seen.at(-1)).toBeGreaterThan(350_000);
    expect(askedFor(server)).toBeLessThan(450_000);
    expect((await stat(path)).size).toBe(content.length);
  });

  test('come in spite of connections that break off', async () => {
    await using server = await serve((request, response, nth) =>
      sendPart(request, response, content, nth % 2 === 0 ? { cut: 60_000 } : {}),
    );
    expect(await downloadTensors(server.url, path, { wants })).toBe(true);
    await expectWanted();
    expect(askedFor(server)).toBeLessThan(700_000);
  });

  test('are not asked for again by a later call, where the file is the same', async () => {
    const controller = new AbortController();
    const etag = '"one"';
    await using server = await serve((request, response) =>
      sendPart(request, response, content, { etag }),
    );
    const onProgress = ({ done }: { done: number }) => {
      if (done > 210_000) controller.abort(new Error('enough'));
    };
    const { signal } = controller;
    await expect(downloadTensors(server.url, path, { wants, signal, onProgress })).rejects.toThrow(
      'enough',
    );
    const before = askedFor(server);
    await downloadTensors(server.url, path, { wants });
    await expectWanted();
    expect(askedFor(server) - before).toBeLessThan(64 * 1024 + 200_000);
  });

  test('are taken anew where the file has changed between two calls', async () => {
    let [etag, bytes] = ['"one"', content];
    await using server = await serve((request, response, nth) =>
      sendPart(request, response, bytes, { etag, ...(nth === 2 ? { cut: 1000 } : {}) }),
    );
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    const { signal } = controller;
    await expect(
      downloadTensors(server.url, path, { wants, signal, onProgress }),
    ).rejects.toThrow();
    const source = join(folder.path, 'source.safetensors');
    const changed = { ...tensors, 'features.2.weight': tensor(150_000, 9) };
    await writeSafetensors(source, changed);
    [etag, bytes] = ['"two"', await readFile(source)];
    await downloadTensors(server.url, path, { wants });
    await using file = await SafetensorsFile.open(path);
    const { begin, end } = file.header.tensors.get('features.2.weight')!;
    expect(await file.read(begin, end)).toEqual(changed['features.2.weight'].data);
  });

  test('are refused where the file changes meanwhile', async () => {
    await using server = await serve((request, response, nth) =>
      sendPart(request, response, content, { etag: `"${nth}"` }),
    );
    await expect(downloadTensors(server.url, path, { wants })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('changed while it was being downloaded'),
    });
  });

  test('are left to others where the server ignores ranges', async () => {
    await using server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.end(content);
    });
    expect(await downloadTensors(server.url, path, { wants })).toBe(false);
  });

  test('of a file that is no safetensors are refused', async () => {
    await writeFile(join(folder.path, 'x'), '');
    const text = Buffer.alloc(100_000, '{"no": 1} ');
    await using server = await serve((request, response) => sendPart(request, response, text));
    await expect(downloadTensors(server.url, path, { wants })).rejects.toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringContaining('is not a safetensors file'),
    });
  });
});
