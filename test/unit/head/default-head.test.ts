import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crossValidate, learningCurve, sweep } from '#core/experiments';
import { writeFeatureFile } from '#core/features';
import { headPreset, trainHead } from '#core/head';
import { type TrainOptions, train } from '#core/train';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { syntheticFeatures, weightDigests } from './synthetic.ts';

const classes = ['a', 'b', 'c'];
const sets = (shape: readonly number[]) => ({
  train: syntheticFeatures({ samples: 60, classes: 3, shape, seed: 21 }),
  validation: syntheticFeatures({ samples: 45, classes: 3, shape, seed: 22 }),
});

let place: TemporaryFolder;
let files: { readonly features: string; readonly validationFeatures: string };
beforeAll(async () => {
  place = await temporaryFolder();
  const { train, validation } = sets([8]);
  files = {
    features: join(place.path, 't.safetensors'),
    validationFeatures: join(place.path, 'v.safetensors'),
  };
  await writeFeatureFile(files.features, train, { classes });
  await writeFeatureFile(files.validationFeatures, validation, { classes });
});
afterAll(() => place[Symbol.asyncDispose]());

const headOf = async (run: string) => {
  const { head, options } = JSON.parse(await readFile(join(run, 'run.json'), 'utf8'));
  return { name: head.name, asked: options.head };
};

describe('where no head is named', () => {
  it.each([
    ['conv', [3, 3, 8]],
    ['mlp', [8]],
  ] as const)('%s is trained on features of shape %j', async (name, shape) => {
    const options = { ...sets(shape), classes, epochs: 2 };
    const trained = await trainHead(options);
    const named = await trainHead({ ...options, head: headPreset(name) });
    expect(trained.head.name).toBe(name);
    expect(weightDigests(trained.weights)).toEqual(weightDigests(named.weights));
  });

  it('a run on vectors says which it was, and goes on after an interruption', async () => {
    const options: TrainOptions = { ...files, epochs: 4, earlyStopping: { enabled: false } };
    const out = join(place.path, 'run');
    const stop = new AbortController();
    const interrupted = train({
      ...options,
      out,
      signal: stop.signal,
      onEpoch: ({ epoch }) => epoch === 2 && stop.abort(),
    });
    await expect(interrupted).rejects.toThrow();
    const heard: number[] = [];
    const onEpoch: TrainOptions['onEpoch'] = ({ epoch }) => heard.push(epoch);
    await train({ ...options, out, resume: true, onEpoch });
    expect(heard).toEqual([3, 4]);
    expect(await headOf(out)).toEqual({ name: 'mlp', asked: 'mlp' });
  });

  it('studies of vectors train what a run would', async () => {
    const out = (name: string) => join(place.path, name);
    const found = await sweep({ ...files, out: out('sweep'), trials: 2, epochs: 2 });
    expect(found.baseline?.options.head).toBe('mlp');
    const folds = await crossValidate({ features: files.features, folds: 2, epochs: 2 });
    expect(folds.head).toBe('mlp');
    const curve = { ...files, out: out('curve'), seeds: 1, sizes: 4, epochs: 2 };
    expect((await learningCurve(curve)).head).toBe('mlp');
  });
});
