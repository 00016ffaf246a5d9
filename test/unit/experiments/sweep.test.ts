import type { Progress } from '@headstart/core';
import { describe, expect, test, vi } from 'vitest';
import {
  defaultSpace,
  drawTrial,
  parseSpace,
  rungsOf,
  type SweepState,
  sweepHeads,
  type TrialChoice,
} from '#core/experiments';
import { pooledSet } from '#core/features';
import {
  type HeadSpec,
  headPreset,
  loadHeadSpec,
  type TrainHeadOptions,
  trainHead,
} from '#core/head';
import { syntheticFeatures, weightDigests } from '../head/synthetic.ts';

const shape = [3, 3, 8];
const classes = ['a', 'b', 'c'];
const train = syntheticFeatures({ samples: 60, classes: 3, shape, seed: 21 });
const validation = syntheticFeatures({ samples: 45, classes: 3, shape, seed: 22 });
const training = { epochs: 12, batchSize: 16, seed: 4, views: 'none' } as const;
const specs = new Map<string, HeadSpec>();
for (const head of ['conv', ...defaultSpace.head]) specs.set(head, await loadHeadSpec(head));
const specOf = (head: string) => specs.get(head) as HeadSpec;
const hasDropout = (head: string) => specOf(head).layers.some(({ type }) => type === 'dropout');
const plain: TrialChoice = {
  head: 'conv',
  optimizer: 'adam',
  classWeights: 'none',
  learningRate: 1e-3,
  weightDecay: 0,
  l2: 0,
  labelSmoothing: 0,
};
const choiceOf = (trial: number) =>
  trial === 0 ? plain : drawTrial(defaultSpace, 4, trial, hasDropout);
const none: SweepState = { waves: [], finished: [] };
const sweep = (more: Partial<Parameters<typeof sweepHeads>[0]> = {}) =>
  sweepHeads({
    ...training,
    ...none,
    train,
    validation,
    classes,
    choiceOf,
    specOf,
    trials: 24,
    onState: async () => {},
    ...more,
  });

test('features that are pooled once teach a head the same bits', async () => {
  const options: TrainHeadOptions = {
    ...training,
    train,
    validation,
    classes,
    head: headPreset('mlp'),
  };
  const maps = await trainHead(options);
  const pooled = await trainHead({
    ...options,
    train: await pooledSet(train, {}),
    validation: await pooledSet(validation, {}),
  });
  expect(weightDigests(pooled.weights)).toEqual(weightDigests(maps.weights));
});

describe('a sweep', () => {
  test('gives each trial what it reaches when it is trained alone', async () => {
    const { finished } = await sweep({ halving: false });
    expect(finished.map(({ trial }) => trial)).toEqual(Array.from({ length: 24 }, (_, i) => i));
    for (const one of finished.slice(0, 6)) {
      const { head, ...choice } = one.choice;
      const alone = await trainHead({
        ...training,
        ...choice,
        train,
        validation,
        classes,
        head: specOf(head),
      });
      expect(one.epochs).toBe(alone.history.length);
      const best = Math.max(...alone.history.map(({ valAccuracy }) => valAccuracy));
      expect(one.accuracy).toBe(best);
    }
  });

  test('stops the worse two thirds at each rung, over all heads alike, but never the default', async () => {
    const { finished } = await sweep();
    expect(rungsOf(12)).toEqual([1, 2, 4]);
    const ending = (rung: number) =>
      finished.filter(({ ended, epochs }) => ended === 'pruning' && epochs === rung).length;
    // 24, then 8, 3 and 1; the default goes on besides.
    expect(ending(1)).toBeGreaterThanOrEqual(15);
    expect(ending(1)).toBeLessThanOrEqual(16);
    expect(finished[0]?.ended).not.toBe('pruning');
    const stopped = finished.filter(({ ended, epochs }) => ended === 'pruning' && epochs === 1);
    const going = finished.filter(({ epochs, trial }) => epochs > 1 && trial > 0);
    const first = (trial: (typeof finished)[number]) => trial.rungs[0]?.accuracy as number;
    expect(Math.min(...going.map(first))).toBeGreaterThanOrEqual(Math.max(...stopped.map(first)));
    expect(new Set(going.map(({ choice }) => choice.head)).size).toBeGreaterThan(1);
  });

  test('that is interrupted anywhere goes on to the same result', async () => {
    const whole = await sweep();
    for (const after of [1, 3, 5]) {
      const controller = new AbortController();
      let state = none;
      let calls = 0;
      const running = sweep({
        signal: controller.signal,
        onState: async (now) => {
          state = structuredClone(now) as SweepState;
          if (++calls === after) controller.abort(new Error('interrupted'));
        },
      });
      await expect(running).rejects.toThrow('interrupted');
      expect(state.finished.length).toBeGreaterThan(0);
      expect(state.finished.length).toBeLessThan(24);
      const kept = state.finished;
      const resumed = await sweep({ ...state });
      expect(resumed).toEqual(whole);
      for (const trial of kept) expect(resumed.finished).toContainEqual(trial);
    }
  });

  test('that is longer begins with the trials of the shorter one', async () => {
    const shorter = await sweep({ trials: 10 });
    const longer = await sweep({ ...shorter, trials: 16 });
    expect(longer.finished.slice(0, 10)).toEqual(shorter.finished);
    expect(longer.waves).toEqual([
      { first: 0, count: 10 },
      { first: 10, count: 6 },
    ]);
  });

  test('that is asked for fewer trials than an earlier call began says how far it is', async () => {
    const longer = await sweep({ trials: 16 });
    const seen: Progress[] = [];
    const { finished } = await sweep({
      ...longer,
      finished: longer.finished.slice(0, 12),
      trials: 4,
      onProgress: (progress) => seen.push(progress),
    });
    expect(finished).toHaveLength(16);
    expect(seen.at(-1)).toMatchObject({ done: 16, total: 16 });
    expect(seen.every(({ done, total = 0 }) => done <= total)).toBe(true);
  });

  test('whose time is up ends after an epoch, with what trials have reached', async () => {
    const { finished } = await sweep({ deadline: performance.now(), halving: false });
    expect(finished).toHaveLength(24);
    expect(finished.every(({ epochs, ended }) => epochs === 1 && ended === 'budget')).toBe(true);
  });

  test('begins no epoch where time was up while others trained', async () => {
    const clock = performance.now.bind(performance);
    let later = 0;
    using now = vi.spyOn(performance, 'now').mockImplementation(() => clock() + later);
    const onState = async () => {
      later = 1e9;
    };
    const { finished } = await sweep({ deadline: clock() + 1e8, onState });
    expect(now).toHaveBeenCalled();
    expect(finished).toHaveLength(24);
    expect(finished.filter(({ ended }) => ended === 'budget').length).toBeGreaterThan(1);
    // A head of which no trial is stopped goes on before the time is up.
    const wentOn = finished.filter(({ epochs }) => epochs > 1).map(({ choice }) => choice.head);
    expect([...new Set(wentOn)]).toEqual(['conv']);
  });

  test('goes on where a trial diverges', async () => {
    const wild: TrialChoice = { ...plain, head: 'mlp', optimizer: 'sgd', learningRate: 1e30 };
    const { finished } = await sweep({
      trials: 3,
      halving: false,
      choiceOf: (trial) => (trial === 1 ? wild : plain),
    });
    expect(finished[1]?.ended).toBe('divergence');
    expect(finished[0]?.accuracy).toBeGreaterThan(0.3);
    expect(finished[2]).toMatchObject({ accuracy: finished[0]?.accuracy });
  });
});

describe('a search space', () => {
  test('is drawn from within its bounds, the same for the same seed and trial', () => {
    const draws = Array.from({ length: 200 }, (_, i) => drawTrial(defaultSpace, 1, i, hasDropout));
    for (const { learningRate, dropout, head, optimizer, momentum } of draws) {
      expect(learningRate).toBeGreaterThanOrEqual(1e-4);
      expect(learningRate).toBeLessThanOrEqual(1e-1);
      expect(dropout === undefined).toBe(head === 'linear');
      expect(momentum === undefined).toBe(optimizer.startsWith('adam'));
    }
    const small = draws.filter(({ learningRate }) => learningRate < 10 ** -2.5).length;
    expect(small).toBeGreaterThan(70);
    expect(small).toBeLessThan(130);
    expect(drawTrial(defaultSpace, 1, 7, hasDropout)).toEqual(draws[7]);
    expect(drawTrial(defaultSpace, 2, 7, hasDropout)).not.toEqual(draws[7]);
  });

  test('gives no number beyond a range, though numbers are rounded', () => {
    const momentum = { min: 0.99996, max: 0.99999 };
    const space = { ...defaultSpace, momentum, optimizer: ['sgd' as const] };
    for (let i = 0; i < 20; i++) {
      expect(drawTrial(space, 1, i, hasDropout).momentum).toBeLessThanOrEqual(momentum.max);
    }
  });

  test('of a file may begin with a byte order mark', () => {
    expect(parseSpace('\uFEFF{"l2":[1]}', 's.json')).toEqual({ ...defaultSpace, l2: [1] });
  });

  test('of a file replaces what it names', () => {
    const space = parseSpace('{"learningRate":{"min":1,"max":2},"head":["conv"]}', 's.json');
    expect(space).toEqual({ ...defaultSpace, learningRate: { min: 1, max: 2 }, head: ['conv'] });
  });

  test.each([
    ['{', 'is not JSON'],
    ['[]', 'must be an object'],
    ['{"learningrate":[1]}', 'unknown key "learningrate"'],
    ['{"learningRate":{"min":0,"max":1,"scale":"log"}}', '"learningRate" must be'],
    ['{"dropout":{"min":0.5,"max":0.1}}', '"dropout" must be'],
    ['{"dropout":[1]}', '"dropout" lists a value'],
    ['{"optimizer":["lion"]}', '"optimizer" must be a list of adam'],
    ['{"head":[]}', '"head" must be a list of heads'],
  ])('%s is refused', (text, message) => {
    expect(() => parseSpace(text, 'space.json')).toThrow(`space.json`);
    expect(() => parseSpace(text, 'space.json')).toThrow(message);
  });
});
