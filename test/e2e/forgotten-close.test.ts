import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { train } from '@headstart/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runModule } from '../util/script.ts';
import { repositoryRoot } from '../util/shared.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

const library = pathToFileURL(join(repositoryRoot, 'packages/core/dist/index.js')).href;

let place: TemporaryFolder;
const at = (...parts: string[]) => join(place.path, ...parts);
const env = () => ({ HEADSTART_CACHE_DIR: at('cache'), HEADSTART_MODELS_DIR: at('models') });

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(at('data'), ['blue', 'red'], 6);
  await train({
    data: at('data'),
    backbone: tinyBackbone,
    augment: undefined,
    epochs: 1,
    device: 'cpu',
    out: at('run'),
    cacheDir: at('cache'),
    modelsDir: at('models'),
  });
}, 60_000);
afterAll(() => place[Symbol.asyncDispose]());

/** What a program prints that opens something, uses it, and never closes it; it must end by itself. */
async function printed(program: string): Promise<string> {
  const { code, signal, stdout } = await runModule(program, { env: env() });
  expect([code, signal]).toEqual([0, null]);
  return stdout;
}

describe.each(['onnxruntime', 'native'])('A program that forgets to close (%s)', (engine) => {
  const start = `process.env.HEADSTART_ENGINE = ${JSON.stringify(engine)};`;

  it('a backbone ends after its last run', async () => {
    const text = await printed(`${start}
      import { openBackbone } from ${JSON.stringify(library)};
      const backbone = await openBackbone(${JSON.stringify(tinyBackbone)}, { device: 'cpu' });
      const runs = [1, 2, 3].map((n) => backbone.run(new Uint8Array(n * 32 * 32 * 3), n));
      console.log((await Promise.all(runs)).map(({ length }) => length / (8 * 8 * 12)).join());
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log((await backbone.run(new Uint8Array(32 * 32 * 3), 1)).length);`);
    expect(text).toBe('1,2,3\n768\n');
  }, 60_000);

  it('a classifier ends after its last answer', async () => {
    const text = await printed(`${start}
      import { loadClassifier } from ${JSON.stringify(library)};
      const classifier = await loadClassifier(${JSON.stringify(at('run'))}, { device: 'cpu' });
      const images = Array(5).fill(${JSON.stringify(at('data/red/red-001.png'))});
      let answers = 0;
      for await (const item of classifier.classify(images)) answers += Number('label' in item);
      console.log(answers);`);
    expect(text).toBe('5\n');
  }, 60_000);
});

describe('A program that closes what it opened', () => {
  it('ends after that, and a second close does nothing', async () => {
    const text = await printed(`
      import { openBackbone } from ${JSON.stringify(library)};
      const backbone = await openBackbone(${JSON.stringify(tinyBackbone)}, { device: 'cpu' });
      await backbone.close();
      await backbone.close();
      console.log('closed');`);
    expect(text).toBe('closed\n');
  }, 60_000);

  it('ends after that also where runs were under way', async () => {
    const text = await printed(`
      import { openBackbone } from ${JSON.stringify(library)};
      process.env.HEADSTART_ENGINE = 'onnxruntime';
      const images = new Uint8Array(256 * 32 * 32 * 3);
      // Often, as it depends on when the answer comes.
      for (let i = 0; i < 30; i++) {
        const backbone = await openBackbone(${JSON.stringify(tinyBackbone)}, { device: 'cpu' });
        const run = backbone.run(images, 256).catch(({ code }) => code);
        await backbone.close();
        if ((await run) !== 'INTERNAL') throw new Error('it was answered');
      }
      console.log('closed');`);
    expect(text).toBe('closed\n');
  }, 60_000);
});
