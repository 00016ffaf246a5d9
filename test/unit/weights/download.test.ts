import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { download } from '#core/weights';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { breakOff, sendRest, serve } from '../backbone/server.ts';

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);
const md5 = createHash('md5').update(content).digest('hex');
const sha256 = createHash('sha256').update(content).digest('hex');
const expected = { bytes: content.length, md5, sha256 };

let folder: TemporaryFolder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'sub', 'file.bin');
});
afterEach(() => folder[Symbol.asyncDispose]());

/** What an earlier download left behind. */
async function leavePart(bytes: Uint8Array): Promise<void> {
  await mkdir(join(folder.path, 'sub'));
  await writeFile(`${path}.part`, bytes);
}

const failure = (promise: Promise<void>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as Error & { code: string },
  );

describe('a download', () => {
  test('is the file of the server, and says how far it is', async () => {
    await using server = await serve((request, response) => sendRest(request, response, content));
    const seen: number[] = [];
    await download(server.url, path, { expected, onProgress: ({ done }) => seen.push(done) });
    expect(new Uint8Array(await readFile(path))).toEqual(content);
    expect(seen.at(-1)).toBe(content.length);
    expect(await readdir(join(folder.path, 'sub'))).toEqual(['file.bin']);
  });

  test('goes on where it was broken off', async () => {
    await using server = await serve((request, response, nth) => {
      if (nth < 3) breakOff(request, response, content, 100_000);
      else sendRest(request, response, content);
    });
    await download(server.url, path, { expected });
    expect(new Uint8Array(await readFile(path))).toEqual(content);
    expect(server.ranges[0]).toBeUndefined();
    expect(server.ranges[1]).toMatch(/^bytes=\d+-$/);
  });

  test('goes on in a later call with what is left of an earlier one', async () => {
    await leavePart(content.subarray(0, 120_000));
    await using server = await serve((request, response) => sendRest(request, response, content));
    await download(server.url, path, { expected });
    expect(server.ranges).toEqual(['bytes=120000-']);
    expect(new Uint8Array(await readFile(path))).toEqual(content);
  });

  test('starts anew where what is left is of another file', async () => {
    await leavePart(new Uint8Array(120_000));
    await using server = await serve((request, response) => sendRest(request, response, content));
    await download(server.url, path, { expected });
    expect(server.ranges).toEqual(['bytes=120000-', undefined]);
    expect(new Uint8Array(await readFile(path))).toEqual(content);
  });

  test('does not mix two files where no checksum is known', async () => {
    await leavePart(new Uint8Array(120_000));
    await using server = await serve((request, response) => sendRest(request, response, content));
    await download(server.url, path, {});
    expect(server.ranges).toEqual([undefined]);
    expect(new Uint8Array(await readFile(path))).toEqual(content);
  });

  test('takes the whole file from a server that ignores ranges', async () => {
    await using server = await serve((request, response, nth) => {
      delete request.headers.range;
      if (nth === 1) breakOff(request, response, content, 50_000);
      else sendRest(request, response, content);
    });
    await download(server.url, path, { expected });
    expect(new Uint8Array(await readFile(path))).toEqual(content);
  });

  test('tries again where the server is busy', async () => {
    await using server = await serve((request, response, nth) => {
      if (nth === 1) response.writeHead(503).end();
      else sendRest(request, response, content);
    });
    await download(server.url, path, { expected });
    expect(new Uint8Array(await readFile(path))).toEqual(content);
  });

  test.each([
    ['wrong bytes', content.map((v, i) => (i === 777 ? v ^ 1 : v)), /its md5 is/],
    ['too few bytes', content.subarray(0, 1000), /Cannot download|it has 1000 bytes, not 300000/],
    ['too many bytes', new Uint8Array([...content, 1, 2, 3]), /it has 300003 bytes, not 300000/],
  ])('with %s is refused and leaves nothing', async (_, bytes, reason) => {
    await using server = await serve((request, response) => sendRest(request, response, bytes));
    const error = await failure(download(server.url, path, { expected }));
    expect(error).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(reason),
    });
    expect(await readdir(join(folder.path, 'sub'))).not.toContain('file.bin');
  });

  test('that does not exist is said at once', async () => {
    await using server = await serve((_, response) => response.writeHead(404).end());
    const error = await failure(download(`${server.url}/none.h5`, path, { expected }));
    expect(error).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('404'),
    });
    expect(server.ranges.length).toBe(1);
  });

  test('without a connection is one clear sentence', async () => {
    const server = await serve((_, response) => response.end());
    await server[Symbol.asyncDispose]();
    const error = await failure(download(server.url, path, { expected }));
    expect(error?.code).toBe('DOWNLOAD_FAILED');
    expect(error?.message).toMatch(/ECONNREFUSED.*`from` FILE\.$/);
    expect(error?.message).not.toContain('\n');
  });

  test('that is aborted rejects with the reason and keeps what it has', async () => {
    const controller = new AbortController();
    await using server = await serve((request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100_000));
      request.on('close', () => response.destroy());
    });
    const { signal } = controller;
    const onProgress = () => controller.abort(new Error('enough'));
    const error = await failure(download(server.url, path, { expected, signal, onProgress }));
    expect(error?.message).toBe('enough');
    expect((await readFile(`${path}.part`)).length).toBeGreaterThan(0);
  });
});
