import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Retrainer, Review, readTrainedRun, train } from '@headstart/core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readCorrections } from '#core/dataset';
import { colourOptions, formOf, servedClasses, serveRun, type TestServer } from '../util/served.ts';
import { type TemporaryFolder, temporaryFolder, writePictures } from '../util/workspace.ts';

let place: TemporaryFolder;
let run: string;
let server: TestServer;

const at = (...parts: string[]) => join(place.path, ...parts);
const picture = (name: string, i: number) => readFile(at('data/train', name, `${name}-00${i}.png`));

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(at('data/train'), servedClasses, 12);
  for (const name of servedClasses) {
    await mkdir(at('data/validation', name), { recursive: true });
    for (const i of [8, 9, 10, 11]) {
      const file = `${name}-${String(i).padStart(3, '0')}.png`;
      await rename(at('data/train', name, file), at('data/validation', name, file));
    }
  }
  // In the wrong folder: the run is wrong about it.
  await rename(at('data/validation/blue/blue-008.png'), at('data/validation/red/wrong.png'));
  ({ run } = await train({ ...colourOptions(place.path), out: at('runs/colours') }));
  server = await serveRun(run, { retrain: colourOptions(place.path) });
});
afterAll(async () => {
  expect(server.failures).toEqual([]);
  await server.close();
  await place[Symbol.asyncDispose]();
});

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  const answer = await fetch(`${server.url}${path}`, init);
  const document = await answer.json();
  expect([path, answer.status < 300, document]).toEqual([path, true, document]);
  return document as T;
}

const correct = (index: number, document: unknown, name = 'colours') =>
  fetch(`${server.url}/api/images/${index}/correction?run=${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(document),
  });

interface MistakeList {
  readonly total: number;
  readonly images: boolean;
  readonly mistakes: readonly {
    readonly index: number;
    readonly file: string;
    readonly label: string;
    readonly predicted: string;
    readonly correction: { readonly action: string; readonly label: string } | null;
  }[];
}

interface State {
  readonly status: string;
  readonly history: readonly { readonly epoch: number }[];
  readonly run: string | null;
  readonly error: string | null;
}

/** The states of the training as the page hears them, until one of these. */
async function states(last: readonly string[], onState: (state: State) => void = () => {}) {
  const heard: State[] = [];
  const controller = new AbortController();
  const answer = await fetch(`${server.url}/api/training/events`, { signal: controller.signal });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  let text = '';
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const state = JSON.parse(event.replace(/^data: /, '')) as State;
      heard.push(state);
      onState(state);
    }
    if (last.includes(heard.at(-1)?.status ?? '')) break;
  }
  controller.abort();
  return heard;
}

describe('the run’s mistakes', () => {
  test('are listed, the surest first, with small pictures by their number', async () => {
    const { total, images, mistakes } = await json<MistakeList>('/api/mistakes');
    expect(images).toBe(true);
    expect(total).toBe(1);
    expect(mistakes[0]).toMatchObject({ label: 'red', predicted: 'blue', correction: null });
    expect(mistakes[0]?.file).toBe('validation/red/wrong.png');
    const answer = await fetch(`${server.url}/api/images/${mistakes[0]?.index}?run=colours`);
    expect(answer.headers.get('content-type')).toBe('image/jpeg');
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(300);
    expect((await json<MistakeList>(`/api/mistakes?offset=${total}`)).mistakes).toEqual([]);
  });

  test('show no file but those of the run', async () => {
    for (const index of ['99999', '-1', 'x', '1.5', '..%2f..%2fetc%2fpasswd', '0x1']) {
      const { status } = await fetch(`${server.url}/api/images/${index}?run=colours`);
      expect([index, status]).toEqual([index, 400]);
    }
    const crafted = at('runs/crafted');
    await cp(run, crafted, { recursive: true });
    const lines =
      'file,label,predicted,probability,label_probability,correct\n../secret.png,red,blue,1,0,false\n';
    await writeFile(join(crafted, 'predictions.csv'), lines);
    const record = JSON.parse(await readFile(join(crafted, 'run.json'), 'utf8'));
    const sha256 = createHash('sha256').update(lines).digest('hex');
    record.files['predictions.csv'] = { bytes: lines.length, sha256 };
    await writeFile(join(crafted, 'run.json'), JSON.stringify(record));
    await copyFile(at('data/train/red/red-001.png'), at('secret.png'));
    await using other = await serveRun(crafted);
    expect((await fetch(`${other.url}/api/images/0?run=crafted`)).status).toBe(400);
  });

  test('are of one run: of another, none is shown or corrected by a number', async () => {
    const image = (query: string) => fetch(`${server.url}/api/images/0${query}`);
    expect((await image('')).status).toBe(400);
    const answer = await image('?run=elsewhere');
    expect(answer.status).toBe(409);
    const { error } = (await answer.json()) as { error: { message: string } };
    expect(error.message).toContain('which is colours: list its mistakes again');
    expect((await correct(0, { action: 'remove' }, 'elsewhere')).status).toBe(409);
    expect(await readdir(run)).not.toContain('corrections.csv');
    expect((await json<{ run: string }>('/api/mistakes')).run).toBe('colours');
  });

  test('are found where the data is the root of a disk', async () => {
    const { record, ...rest } = await readTrainedRun(run);
    const file = at('data/train/red/red-001.png').slice(1);
    const predictions = [{ ...rest.predictions[0], file }] as typeof rest.predictions;
    const review = await Review.of({ ...rest, record, predictions }, '/');
    expect(review.path(0)).toBe(at('data/train/red/red-001.png'));
  });

  test('take corrections, which are kept in the run’s folder', async () => {
    const [first] = (await json<MistakeList>('/api/mistakes')).mistakes;
    const index = first?.index ?? -1;
    expect((await correct(index, { action: 'relabel', label: 'purple' })).status).toBe(400);
    expect((await correct(index, { action: 'burn' })).status).toBe(400);
    expect((await correct(99_999, { action: 'keep' })).status).toBe(400);
    expect(await readdir(run)).not.toContain('corrections.csv');

    expect((await correct(index, { action: 'relabel', label: 'blue' })).status).toBe(200);
    const { byHash } = await readCorrections(join(run, 'corrections.csv'));
    expect([...byHash.values()]).toMatchObject([
      { file: first?.file, action: 'relabel', label: 'blue' },
    ]);
    const again = (await json<MistakeList>('/api/mistakes')).mistakes[0];
    expect(again?.correction).toEqual({ action: 'relabel', label: 'blue' });
    expect((await correct(index, { action: 'keep' })).status).toBe(200);
    expect((await correct(index, { action: 'relabel', label: 'blue' })).status).toBe(200);
    expect((await readCorrections(join(run, 'corrections.csv'))).byHash.size).toBe(1);
  });

  test('keep every correction of several that are made at once', async () => {
    const copy = at('runs/several');
    await cp(run, copy, { recursive: true });
    const review = await Review.open(copy);
    const indices = [1, 2, 3, 4, 5];
    for (const index of indices) await review.correct(index, 'keep');
    await Promise.all(indices.map((index) => review.correct(index, 'remove')));
    const { byHash } = await readCorrections(join(copy, 'corrections.csv'));
    const actions = [...byHash.values()].map(({ action }) => action);
    expect(actions.filter((action) => action === 'keep')).toEqual([]);
    expect(actions.filter((action) => action === 'remove')).toHaveLength(indices.length);
  });
});

describe('adding an image', () => {
  const add = (label: string, body: Uint8Array) =>
    fetch(`${server.url}/api/images?label=${encodeURIComponent(label)}`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: Buffer.from(body),
    });

  test('puts it into its class’s folder, once', async () => {
    const bytes = Buffer.concat([await picture('green', 3), Buffer.from('more')]);
    const first = await add('green', bytes);
    expect(first.status).toBe(201);
    const { file } = (await first.json()) as { file: string };
    expect(file.startsWith(at('data/train/green/added-'))).toBe(true);
    expect((await readFile(file)).equals(bytes)).toBe(true);
    expect((await add('green', bytes)).status).toBe(200);
    const added = (await readdir(at('data/train/green'))).filter((name) =>
      name.startsWith('added-'),
    );
    expect(added).toHaveLength(1);
  });

  test('refuses other classes and what is no image', async () => {
    const bytes = await picture('green', 3);
    for (const label of ['purple', '../green', '..', '']) {
      expect((await add(label, bytes)).status).toBe(400);
    }
    expect((await add('green', Buffer.from('hello'))).status).toBe(415);
    expect((await add('green', bytes.subarray(0, 900))).status).toBe(422);
    expect(await readdir(at('data/train'))).toEqual(servedClasses);
  });
});

describe('training again', () => {
  beforeEach(() => states(['idle', 'ready', 'failed', 'cancelled']));

  test('learns the corrections, tells of each epoch, and is served from then on', async () => {
    const heard = states(['ready', 'failed']);
    const started = await fetch(`${server.url}/api/training`, { method: 'POST' });
    expect(started.status).toBe(202);
    expect((await fetch(`${server.url}/api/training`, { method: 'POST' })).status).toBe(409);
    const all = await heard;
    const last = all.at(-1);
    expect(last).toMatchObject({ status: 'ready', run: 'colours-2', error: null });
    expect(last?.history.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    expect(all.filter(({ status }) => status === 'training').length).toBeGreaterThan(5);

    expect(await json('/healthz')).toEqual({ status: 'ok', run: 'colours-2' });
    const next = at('runs/colours-2');
    const file = (folder: string, name: string) => readFile(join(folder, name), 'utf8');
    expect(await file(next, 'corrections.csv')).toBe(await file(run, 'corrections.csv'));
    const record = JSON.parse(await file(next, 'run.json'));
    expect(record.data.corrections).toMatchObject({ relabelled: 1 });
    expect(record.arguments.corrections).toBe(join(next, 'corrections.csv'));
    expect(await readdir(run)).toContain('run.json');
    const answer = await fetch(`${server.url}/predict`, {
      method: 'POST',
      body: formOf([{ name: 'a', bytes: await picture('green', 2) }]),
    });
    expect(await answer.json()).toMatchObject({
      run: 'colours-2',
      predictions: [{ label: 'green' }],
    });
  });

  test('can be cancelled, which leaves the run as it was', async () => {
    expect((await fetch(`${server.url}/api/training`, { method: 'DELETE' })).status).toBe(409);
    const before = await readdir(at('runs'));
    await fetch(`${server.url}/api/training`, { method: 'POST' });
    expect((await fetch(`${server.url}/api/training`, { method: 'DELETE' })).status).toBe(200);
    const last = (await states(['cancelled', 'ready'])).at(-1);
    expect(last?.status).toBe('cancelled');
    expect(await readdir(at('runs'))).toEqual(before);
    expect(await json('/healthz')).toEqual({ status: 'ok', run: 'colours-2' });
  });

  test('serves the new head before its folder is complete, and the old one where that fails', async () => {
    await using other = await serveRun(run, { retrain: colourOptions(place.path) });
    const served = async () =>
      ((await (await fetch(`${other.url}/healthz`)).json()) as { run: string }).run;
    const state = async () => (await (await fetch(`${other.url}/api/training`)).json()) as State;
    const before = await readdir(at('runs'));
    await fetch(`${other.url}/api/training`, { method: 'POST' });
    let made: string | undefined;
    while (made === undefined) {
      made = (await readdir(at('runs'))).find((name) => !before.includes(name));
    }
    // A folder in the place of a file: the run cannot be written to its end.
    await mkdir(at('runs', made, 'model.onnx'));
    const left = async (...statuses: string[]) => {
      let now = await state();
      while (statuses.includes(now.status)) now = await state();
      return now;
    };
    const saving = await left('preparing', 'training');
    if (saving.status === 'saving') {
      expect([saving.run, await served()]).toEqual([made, made]);
      expect(await readdir(at('runs', made))).not.toContain('run.json');
    }
    expect(await left('saving')).toMatchObject({
      status: 'failed',
      run: null,
      error: expect.stringContaining('model.onnx'),
    });
    expect(await served()).toBe('colours');
    expect(await readdir(at('runs'))).toEqual(before);
  });

  test('goes on while heat maps are made', async () => {
    await using busy = await serveRun(run, {
      retrain: { ...colourOptions(place.path), epochs: 1 },
    });
    const body = await picture('red', 1);
    const headers = { 'content-type': 'image/png' };
    const explain = () => fetch(`${busy.url}/api/explain`, { method: 'POST', headers, body });
    const state = async () => (await (await fetch(`${busy.url}/api/training`)).json()) as State;
    await fetch(`${busy.url}/api/training`, { method: 'POST' });
    let ended = false;
    const callers = Array.from({ length: 3 }, async () => {
      while (!ended) expect((await explain()).status).toBe(200);
    });
    while (!ended) ended = ['ready', 'failed'].includes((await state()).status);
    await Promise.all(callers);
    expect(await state()).toMatchObject({ status: 'ready', error: null });
    expect(busy.failures).toEqual([]);
  });

  test('has a folder of its own beside the run, however the run is named', async () => {
    const train = async (name: string) => {
      await using retrainer = new Retrainer({ ...colourOptions(place.path), epochs: 1 });
      return (await retrainer.train({ run: name })).run;
    };
    const runs = await Promise.all([train(`${run}/`), train(run)]);
    expect(runs.map((path) => dirname(path))).toEqual([at('runs'), at('runs')]);
    expect(new Set(runs).size).toBe(2);
  });

  test('says why it failed, and can be tried again', async () => {
    await using broken = await serveRun(run, {
      retrain: { ...colourOptions(place.path), backbone: at('gone.onnx') },
    });
    await fetch(`${broken.url}/api/training`, { method: 'POST' });
    const state = async () => (await (await fetch(`${broken.url}/api/training`)).json()) as State;
    while ((await state()).status === 'preparing') await new Promise((r) => setTimeout(r, 10));
    expect(await state()).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('gone.onnx'),
    });
    expect((await fetch(`${broken.url}/api/training`, { method: 'POST' })).status).toBe(202);
  });
});

test('a page that listens does not keep the server from closing', async () => {
  const other = await serveRun(run, { retrain: colourOptions(place.path) });
  const answer = await fetch(`${other.url}/api/training/events`);
  await other.close();
  expect(await answer.text()).toContain('"status":"idle"');
}, 30_000);

test('so many pages may listen at once, and no more', async () => {
  await using other = await serveRun(run, { retrain: colourOptions(place.path) });
  const over = new AbortController();
  const listen = () => fetch(`${other.url}/api/training/events`, { signal: over.signal });
  const answers = await Promise.all(Array.from({ length: 40 }, listen));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(32);
  expect(statuses.filter((status) => status === 503)).toHaveLength(8);
  over.abort();
  // Those that have gone make room.
  await expect
    .poll(async () => {
      const answer = await fetch(`${other.url}/api/training/events`);
      await answer.body?.cancel();
      return answer.status;
    })
    .toBe(200);
});

test('the stream of a training’s states has no HEAD, which would never end', async () => {
  const signal = AbortSignal.timeout(5000);
  const answer = await fetch(`${server.url}/api/training/events`, { method: 'HEAD', signal });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
});

describe('explaining', () => {
  const explain = async (query: string, body: Uint8Array) =>
    fetch(`${server.url}/api/explain${query}`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: Buffer.from(body),
    });

  test('gives a picture with a heat map of the class asked for', async () => {
    const answer = await explain('?label=red', await picture('red', 1));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(answer.headers.get('x-label')).toBe('red');
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect((await explain('', await picture('green', 1))).headers.get('x-label')).toBe('green');
  });

  test('refuses other classes and what is no image', async () => {
    expect((await explain('?label=purple', await picture('red', 1))).status).toBe(400);
    expect((await explain('', Buffer.from('hello'))).status).toBe(415);
  });
});

describe('a server that only labels', () => {
  test('shows no image, takes no correction, and trains nothing', async () => {
    await using other = await serveRun(run, { edits: false, retrain: colourOptions(place.path) });
    const send = async (method: string, path: string) =>
      (await fetch(`${other.url}${path}`, { method })).status;
    expect(await send('GET', '/api/mistakes')).toBe(403);
    expect(await send('GET', '/api/images/0?run=colours')).toBe(403);
    expect(await send('POST', '/api/images?label=red')).toBe(403);
    expect(await send('POST', '/api/training')).toBe(403);
    expect(await send('GET', '/api/training/events')).toBe(403);
    const { edits, data } = (await (await fetch(`${other.url}/api/run`)).json()) as {
      edits: boolean;
      data: string | null;
    };
    expect([edits, data]).toEqual([false, null]);
  });

  test('says that the images are gone', async () => {
    const moved = at('runs/moved');
    await cp(run, moved, { recursive: true });
    const record = JSON.parse(await readFile(join(moved, 'run.json'), 'utf8'));
    record.data.root = at('nowhere');
    await writeFile(join(moved, 'run.json'), JSON.stringify(record));
    await using other = await serveRun(moved, { retrain: colourOptions(place.path) });
    const { why_no_training: why } = (await (await fetch(`${other.url}/api/run`)).json()) as {
      why_no_training: string;
    };
    expect(why).toContain('--data');
    expect((await fetch(`${other.url}/api/training`, { method: 'POST' })).status).toBe(409);
    await using found = await serveRun(moved, {
      retrain: colourOptions(place.path),
      data: at('data'),
    });
    expect((await fetch(`${found.url}/api/images/0?run=moved`)).status).toBe(200);
  });
});

test('the answers keep to the OpenAPI document', async () => {
  const document = await json<Record<string, unknown>>('/openapi.json');
  const ajv = new Ajv2020({ strict: false });
  ajv.addFormat('date-time', true);
  ajv.addSchema({ ...document, $id: 'api' });
  // The first run has a mistake; the one that is served by now may have none.
  await using first = await serveRun(run);
  const list = (await (await fetch(`${first.url}/api/mistakes`)).json()) as MistakeList;
  const isList = ajv.getSchema('api#/components/schemas/Mistakes');
  expect([list.total, isList?.(list)], ajv.errorsText(isList?.errors)).toEqual([1, true]);
  for (const [schema, path] of [
    ['Run', '/api/run'],
    ['Mistakes', '/api/mistakes'],
    ['Training', '/api/training'],
  ] as const) {
    const validate = ajv.getSchema(`api#/components/schemas/${schema}`);
    expect(validate?.(await json(path)), ajv.errorsText(validate?.errors)).toBe(true);
  }
});
