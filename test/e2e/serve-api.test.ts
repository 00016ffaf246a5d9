import { cp, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { loadClassifier, readTrainedRun } from '@headstart/core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendRaw } from '../util/malformed.mjs';
import { formOf, servedClasses, serveRun, type TestServer, trainColours } from '../util/served.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';

let place: TemporaryFolder;
let run: string;
let server: TestServer;
let pictures: { name: string; bytes: Buffer }[];

beforeAll(async () => {
  place = await temporaryFolder();
  run = await trainColours(place.path);
  server = await serveRun(run, {
    limits: { maxBodyBytes: 200_000, maxImages: 6, maxPixels: 5000 },
  });
  pictures = await Promise.all(
    servedClasses.map(async (name) => {
      const file = join(place.path, 'data', name, `${name}-001.png`);
      return { name: `${name}.png`, bytes: await readFile(file) };
    }),
  );
});
afterAll(async () => {
  expect(server.failures).toEqual([]);
  await server.close();
  await place[Symbol.asyncDispose]();
});

type Body = string | Uint8Array | FormData;
const post = (path: string, body: Body, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    body: body as NonNullable<RequestInit['body']>,
    headers,
  });

interface Predictions {
  readonly run: string;
  readonly predictions: readonly {
    readonly file: string;
    readonly label?: string;
    readonly probability?: number;
    readonly top?: readonly { readonly label: string; readonly probability: number }[];
    readonly error?: { readonly code: string };
  }[];
}

async function expectError(answer: Response, status: number, code: string) {
  expect([answer.status, await answer.json()]).toEqual([
    status,
    { error: { code, message: expect.stringMatching(/\.$/) } },
  ]);
}

const image = (i: number) => pictures[i] as { name: string; bytes: Buffer };
const blank = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'red' } })
    .png()
    .toBuffer();

describe('POST /predict', () => {
  test('labels an image that is the body, as predict does', async () => {
    const answer = await post('/predict?topk=9', image(2).bytes, { 'content-type': 'image/png' });
    expect(answer.status).toBe(200);
    const { predictions, run: name } = (await answer.json()) as Predictions;
    expect(name).toBe('colours');
    await using classifier = await loadClassifier(run, { device: 'cpu' });
    for await (const item of classifier.classify([image(2)])) {
      if ('error' in item) throw new Error(item.error);
      expect(predictions).toHaveLength(1);
      expect(predictions[0]?.label).toBe(item.label);
      expect(predictions[0]?.top?.map((each) => each.label)).toEqual(
        item.ranking.map((each) => each.label),
      );
      expect(predictions[0]?.probability).toBeCloseTo(item.probability, 5);
    }
  });

  test('labels the files of a form in order, with errors in their places', async () => {
    const files = [
      image(0),
      { name: 'note.png', bytes: Buffer.from('hello') },
      { name: 'bomb.png', bytes: await blank(100, 51) },
      { name: 'cut.png', bytes: image(0).bytes.subarray(0, 900) },
      image(1),
    ];
    const answer = await post('/predict?topk=1', formOf(files));
    expect(answer.status).toBe(200);
    const { predictions } = (await answer.json()) as Predictions;
    expect(predictions.map((each) => [each.file, each.label ?? each.error?.code])).toEqual([
      ['blue.png', 'blue'],
      ['note.png', 'IMAGE_FORMAT'],
      ['bomb.png', 'IMAGE_TOO_LARGE'],
      ['cut.png', 'IMAGE_DAMAGED'],
      ['green.png', 'green'],
    ]);
    expect(predictions[0]?.top).toHaveLength(1);
  });

  test('says which run has labelled, also where another takes its place meanwhile', async () => {
    await using other = await serveRun(run);
    const copy = join(place.path, 'runs/other');
    await cp(run, copy, { recursive: true });
    const { batched } = other.model;
    const classify = batched.classify.bind(batched);
    batched.classify = async (...images) => {
      const items = await classify(...images);
      await other.model.serve(await readTrainedRun(copy));
      return items;
    };
    const ask = async () => {
      const body = Buffer.from(image(0).bytes);
      const headers = { 'content-type': 'image/png' };
      const answer = await fetch(`${other.url}/predict`, { method: 'POST', body, headers });
      return ((await answer.json()) as Predictions).run;
    };
    expect([await ask(), await ask()]).toEqual(['colours', 'other']);
  });

  test('says by its status what is wrong where no image can be read', async () => {
    const png = { 'content-type': 'image/png' };
    await expectError(await post('/predict', 'hello', png), 415, 'IMAGE_FORMAT');
    const json = { 'content-type': 'application/json' };
    await expectError(await post('/predict', '{"image": "a.png"}', json), 400, 'NO_IMAGE');
    await expectError(await post('/predict', await blank(100, 51), png), 413, 'IMAGE_TOO_LARGE');
    const cut = image(0).bytes.subarray(0, 900);
    await expectError(await post('/predict', cut, png), 422, 'IMAGE_DAMAGED');
    await expectError(await post('/predict', formOf([])), 400, 'NO_IMAGE');
    await expectError(await post('/predict', '', png), 422, 'IMAGE_DAMAGED');
  });

  test('refuses more than its limits, and wrong requests', async () => {
    const many = Array.from({ length: 7 }, () => image(0));
    await expectError(await post('/predict', formOf(many)), 413, 'TOO_MANY_IMAGES');
    const large = new Uint8Array(200_001);
    const png = { 'content-type': 'image/png' };
    await expectError(await post('/predict', large, png), 413, 'BODY_TOO_LARGE');
    await expectError(
      await post('/predict', '{}', { 'content-type': 'text/html' }),
      415,
      'UNSUPPORTED_TYPE',
    );
    await expectError(await post('/predict?topk=0', image(0).bytes, png), 400, 'USAGE');
    const noBoundary = { 'content-type': 'multipart/form-data' };
    await expectError(await post('/predict', 'x', noBoundary), 400, 'BAD_FORM');
    const cutForm =
      '--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\nabc';
    const form = { 'content-type': 'multipart/form-data; boundary=b' };
    await expectError(await post('/predict', cutForm, form), 400, 'BAD_FORM');
  });

  test('counts a body that does not say how long it is', async () => {
    const parts = Array.from({ length: 30 }, () => new Uint8Array(10_000));
    const body = new ReadableStream({
      pull: (controller) => {
        const part = parts.pop();
        if (part) controller.enqueue(part);
        else controller.close();
      },
    });
    const answer = await fetch(`${server.url}/predict`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'image/png' },
      duplex: 'half',
    } as RequestInit);
    await expectError(answer, 413, 'BODY_TOO_LARGE');
  });

  test('never reads files that a form or a URL names', async () => {
    const answer = await post(
      '/predict',
      formOf([{ name: '../../../etc/passwd', bytes: image(0).bytes }]),
    );
    const { predictions } = (await answer.json()) as Predictions;
    expect(predictions[0]?.label).toBe('blue');
    for (const path of [
      '/../package.json',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/page/..%2f..%2fpackage.json',
    ]) {
      expect((await get(path)).status).toBe(404);
    }
  });
});

/** Paths and headers as they are given: fetch would tidy them. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const { hostname, port } = new URL(server.url);
  return new Promise<{
    status: number | undefined;
    text: string;
    headers: Record<string, unknown>;
  }>((resolve, reject) => {
    const sent = request({ hostname, port, path, headers, method }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, text, headers: answer.headers }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('the server', () => {
  test('names its classes, its health and its figures', async () => {
    expect(await (await fetch(`${server.url}/labels`)).json()).toEqual({ labels: servedClasses });
    expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({
      status: 'ok',
      run: 'colours',
    });
    const metrics = await fetch(`${server.url}/metrics`);
    expect(metrics.headers.get('content-type')).toContain('text/plain');
    const text = await metrics.text();
    for (const name of [
      'headstart_images_total{result="labelled"}',
      'headstart_http_request_duration_seconds_count{route="/predict",method="POST",status="200"}',
      'headstart_images_waiting 0',
      'process_resident_memory_bytes',
    ]) {
      expect(text).toContain(name);
    }
  });

  test('answers by no other name than its own', async () => {
    const { host } = new URL(server.url);
    const port = host.split(':')[1];
    for (const name of [host, `localhost:${port}`, `[::1]:${port}`, '127.0.0.1']) {
      expect((await get('/labels', { host: name })).status).toBe(200);
    }
    for (const name of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example']) {
      const answer = await get('/labels', { host: name });
      expect([name, answer.status, JSON.parse(answer.text).error.code]).toEqual([
        name,
        403,
        'FORBIDDEN_HOST',
      ]);
    }
  });

  test('takes nothing from pages of other sites', async () => {
    const { host, origin } = new URL(server.url);
    const send = async (headers: Record<string, string>) =>
      (await get('/predict', { host, ...headers }, 'POST')).status;
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: `http://127.0.0.1:1` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      expect([headers, await send(headers as Record<string, string>)]).toEqual([headers, 403]);
    }
    for (const headers of [{ origin }, { 'sec-fetch-site': 'same-origin' }, {}]) {
      expect(await send(headers as Record<string, string>)).toBe(400);
    }
  });

  test('says what a path is for, and what is not there', async () => {
    const wrong = await get('/predict');
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'POST']);
    expect((await get('/nothing')).status).toBe(404);
    expect((await get('/labels', { filler: 'x'.repeat(20_000) })).status).toBe(431);
  });

  test('has an OpenAPI document of exactly its routes, which its answers keep to', async () => {
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    const described = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = server.routes
      .filter(({ method, url }) => method !== 'HEAD' && !isPage(url))
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
    expect(described.sort()).toEqual(routes.sort());

    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema({ ...document, $id: 'api' });
    const conforms = async (schema: string, answer: Response) => {
      const validate = ajv.getSchema(`api#/components/schemas/${schema}`);
      expect(validate?.(await answer.json()), ajv.errorsText(validate?.errors)).toBe(true);
    };
    const note = { name: 'note', bytes: Buffer.from('hello') };
    await conforms('Predictions', await post('/predict', formOf([image(0), note])));
    await conforms('Labels', await fetch(`${server.url}/labels`));
    await conforms('Health', await fetch(`${server.url}/healthz`));
    await conforms('Error', await fetch(`${server.url}/nothing`));
  });

  test('tells browsers to load nothing from elsewhere', async () => {
    const { headers } = await get('/labels');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('answers 503 with Retry-After where too much waits, and goes on', async () => {
    await using small = await serveRun(run, { limits: { queueLimit: 2, maxImages: 2 } });
    const send = () =>
      fetch(`${small.url}/predict`, { method: 'POST', body: formOf([image(0), image(1)]) });
    const answers = await Promise.all(Array.from({ length: 12 }, send));
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses.every((status) => status === 200 || status === 503)).toBe(true);
    for (const answer of answers) {
      if (answer.status === 503) expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect((await send()).status).toBe(200);
  });

  test('cuts bodies off that come slowly, where others have no room', async () => {
    const limits = { maxBodyBytes: 50_000, timeoutMs: 3000 };
    await using small = await serveRun(run, { limits });
    const slow = Array.from({ length: 8 }, () => {
      const headers = { 'content-type': 'image/png', 'content-length': 50_000 };
      return new Promise<number | undefined>((resolve) => {
        const sent = request(`${small.url}/predict`, { method: 'POST', headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.on('error', () => resolve(undefined)).write('slow');
      });
    });
    const body = Buffer.from(image(0).bytes);
    const send = async () => {
      const headers = { 'content-type': 'image/png' };
      return (await fetch(`${small.url}/predict`, { method: 'POST', body, headers })).status;
    };
    const statuses: number[] = [];
    while (statuses.at(-1) !== 200) statuses.push(await send());
    expect(new Set(statuses)).toEqual(new Set([503, 200]));
    expect(await Promise.race(slow)).toBe(503);
    // The others stay until their own time is over.
    expect((await Promise.all(slow)).filter((status) => status === 503)).toHaveLength(1);
    expect(small.failures).toEqual([]);
  });

  test('answers by the names that it was given, with a port or without', async () => {
    await using named = await serveRun(run, { allowHosts: ['Box.local:8080', 'other.local'] });
    const statusAs = (host: string) =>
      new Promise((resolve, reject) => {
        const sent = request(`${named.url}/labels`, { headers: { host } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.on('error', reject).end();
      });
    const hosts = ['box.local:8080', 'box.local', 'OTHER.local:1', 'third.local', ':80'];
    expect(await Promise.all(hosts.map(statusAs))).toEqual([200, 200, 200, 403, 403]);
  });

  test('ends what is under way before it closes, and takes nothing new', async () => {
    const other = await serveRun(run, { batchSize: 1 });
    const images = Array.from({ length: 30 }, (_, i) => image(i % 3));
    const sent = fetch(`${other.url}/predict`, { method: 'POST', body: formOf(images) });
    while (other.model.batched.waiting === 0)
      await new Promise((resolve) => setTimeout(resolve, 1));
    await other.close();
    const answer = await sent;
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as Predictions).predictions).toHaveLength(30);
    await expect(fetch(`${other.url}/labels`)).rejects.toThrow();
  });

  test('does not wait for requests that do not come to their end', async () => {
    await using hasty = await serveRun(run, { limits: { timeoutMs: 300 } });
    const { status } = await sendRaw(
      hasty.url,
      {
        name: 'half a request',
        status: [408],
        bytes: () => Buffer.from('POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-'),
      },
      0,
    );
    expect(status).toBe(408);
  });

  test('says which port is taken', async () => {
    const port = Number(new URL(server.url).port);
    await expect(serveRun(run, { port })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`port ${port}`),
    });
  });
});

function isPage(url: string): boolean {
  return url === '/' || url.startsWith('/page/');
}
