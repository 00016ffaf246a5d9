import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HeadstartError } from '@headstart/core';
import { expect, test } from 'vitest';
import { fetchImage } from '#core/classify';
import { temporaryFolder } from '../../util/workspace.ts';
import { serve } from '../backbone/server.ts';

const bytes = Buffer.from('the bytes of a picture');

async function reasonFrom(fetching: Promise<unknown>): Promise<string> {
  const error = await fetching.catch((thrown: unknown) => thrown);
  if (!(error instanceof HeadstartError)) throw error;
  expect(error.code).toBe('IMAGE_UNREADABLE');
  return error.message;
}

test('gives the bytes behind a URL', async () => {
  await using server = await serve((_request, response) => response.end(bytes));
  expect(Buffer.from(await fetchImage(`${server.url}/a.png`))).toEqual(bytes);
});

test('reads a file that a file: URL names', async () => {
  await using place = await temporaryFolder();
  const path = join(place.path, 'a b#c.png');
  await writeFile(path, bytes);
  expect(Buffer.from(await fetchImage(pathToFileURL(path).href))).toEqual(bytes);
  const elsewhere = fetchImage('file://other-machine/a.png');
  expect(await reasonFrom(elsewhere)).toContain('it names no file of this machine');
});

test('says what the server answered', async () => {
  await using server = await serve((_request, response) => {
    response.writeHead(404, 'Not Found').end();
  });
  const url = `${server.url}/a.png`;
  expect(await reasonFrom(fetchImage(url))).toBe(
    `Cannot read the image ${url}: the server answered 404 Not Found.`,
  );
});

test('takes no more bytes than it may, whatever the server announces', async () => {
  let left = false;
  await using server = await serve((_request, response) => {
    response.on('close', () => {
      left = true;
    });
    const more = () => {
      if (!left) response.write(Buffer.alloc(4096), more);
    };
    more();
  });
  expect(await reasonFrom(fetchImage(server.url, { maxBytes: 10_000 }))).toContain(
    'the answer has more than 10000 bytes',
  );
});

test('waits no longer than it may', async () => {
  await using server = await serve((_request, response) => response.write('a'));
  expect(await reasonFrom(fetchImage(server.url, { timeoutMs: 200 }))).toContain(
    'the server took more than 0.2 seconds',
  );
});

test('ends with the reason of an abort', async () => {
  await using server = await serve(() => {});
  const controller = new AbortController();
  const fetching = fetchImage(server.url, { signal: controller.signal });
  controller.abort();
  await expect(fetching).rejects.toBe(controller.signal.reason);
});
