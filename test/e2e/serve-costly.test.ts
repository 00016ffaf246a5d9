import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manyScans } from '../util/many-scans.ts';
import { serveRun, trainColours } from '../util/served.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';

let place: TemporaryFolder;
let run: string;
let good: Buffer;

/** Within the limits, and as costly as one can be within them. */
const costly = manyScans(7000, 40);

beforeAll(async () => {
  place = await temporaryFolder();
  run = await trainColours(place.path);
  good = await readFile(join(place.path, 'data/green/green-001.png'));
});
afterAll(() => place[Symbol.asyncDispose]());

async function predict(url: string, bytes: Buffer) {
  const headers = { 'content-type': 'image/png' };
  const body = new Uint8Array(bytes);
  const answer = await fetch(`${url}/predict`, { method: 'POST', headers, body });
  const document = (await answer.json()) as {
    predictions?: { label: string }[];
    error?: { code: string; message: string };
  };
  return { status: answer.status, ...document };
}

/** Posts eight costly images, and waits until the server has taken them all. */
async function eightCostly(server: Awaited<ReturnType<typeof serveRun>>) {
  let answered = 0;
  const answers = Array.from({ length: 8 }, async () => {
    const answer = await predict(server.url, costly);
    answered++;
    return answer;
  });
  while (server.model.batched.waiting + answered < 8) await new Promise((r) => setTimeout(r, 5));
  return { answers, answered: () => answered };
}

test('a good image does not wait for costly ones that came before it', async () => {
  await using server = await serveRun(run);
  const { answers, answered } = await eightCostly(server);
  expect((await predict(server.url, good)).predictions?.[0]?.label).toBe('green');
  expect(answered()).toBeLessThan(4);
  for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
});

test('a server that stops answers 503 to what still waits, and ends', async () => {
  await using server = await serveRun(run, { limits: { stopMs: 0 } });
  const { answers } = await eightCostly(server);
  await server.close();
  expect(server.model.batched.waiting).toBe(0);
  const codes = (await Promise.all(answers)).map(({ error }) => error?.code);
  expect(codes.filter((code) => code === 'STOPPING').length).toBeGreaterThan(4);
});

test('an image that costs too much is refused by name', async () => {
  await using server = await serveRun(run);
  const { status, error } = await predict(server.url, manyScans(7000, 820));
  expect(status).toBe(413);
  expect(error?.message).toContain('7000x7000 pixels in 820 scans');
  expect(server.failures).toEqual([]);
});
