import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { malformedRequests, sendRaw } from '../util/malformed.mjs';
import { formOf, servedClasses, serveRun, type TestServer, trainColours } from '../util/served.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';

let place: TemporaryFolder;
let server: TestServer;
let good: Buffer;

beforeAll(async () => {
  place = await temporaryFolder();
  server = await serveRun(await trainColours(place.path));
  good = await readFile(join(place.path, 'data/green/green-001.png'));
});
afterAll(async () => {
  await server.close();
  await place[Symbol.asyncDispose]();
});

async function label(bytes: Buffer, name = 'image'): Promise<string | undefined> {
  const body = formOf([{ name, bytes }]);
  const answer = await fetch(`${server.url}/predict`, { method: 'POST', body });
  const { predictions } = (await answer.json()) as { predictions?: { label: string }[] };
  return predictions?.[0]?.label;
}

describe('malformed requests', () => {
  const names = malformedRequests(Buffer.alloc(100)).map(({ name }) => name);
  test.each(names)('%s', async (name) => {
    const request = malformedRequests(good).find((each) => each.name === name)!;
    for (let i = 0; i < 4; i++) {
      const { status, body } = await sendRaw(server.url, request, i);
      if (request.status !== 'none') {
        expect(request.status).toContain(status);
        expect(JSON.parse(body)).toEqual({
          error: { code: expect.any(String), message: expect.any(String) },
        });
      }
      expect(await label(good)).toBe('green');
    }
    expect(server.failures).toEqual([]);
  });

  test('leave nothing waiting behind', async () => {
    while (server.model.batched.waiting > 0) await new Promise((r) => setTimeout(r, 5));
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('headstart_images_waiting 0');
  });
});

test('32 clients at once get the labels of their own images', async () => {
  const images = await Promise.all(
    servedClasses.map(async (name) => ({
      name,
      bytes: await readFile(join(place.path, 'data', name, `${name}-001.png`)),
    })),
  );
  const wrong: string[] = [];
  const client = async (first: number) => {
    for (let i = 0; i < 8; i++) {
      const { name, bytes } = images[(first + i) % images.length] as (typeof images)[number];
      const found = await label(bytes, name);
      if (found !== name) wrong.push(`${found}, not ${name}`);
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, i) => client(i)));
  expect(wrong).toEqual([]);
});
