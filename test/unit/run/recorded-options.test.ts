import { optionsOfRun } from '@headstart/core';
import { expect, it } from 'vitest';
import { recordedOptions } from '#core/run';

/** As the command line recorded its flags before runs had options. */
const flags = {
  data: 'fruit',
  ...{ backbone: 'vgg16', resize: 'nearest', flip: true, widthShift: 0.1, heightShift: 0.2 },
  ...{ rotation: 0, zoom: 0.3, brightness: 0, views: 4, augment: true, seed: 3, head: 'conv' },
  ...{ epochs: 7, learningRate: 0.01, lrSchedule: 'plateau', lrFactor: 0.5, lrPatience: 1 },
  ...{
    monitor: 'loss',
    minDelta: 0,
    patience: 9,
    earlyStopping: false,
    cacheDir: '/c',
    json: true,
  },
};

it('options of an older run of the command line are read from the flags that it recorded', () => {
  const options = optionsOfRun({ arguments: flags });
  expect(options).toMatchObject({
    data: 'fruit',
    backbone: 'vgg16',
    resize: 'nearest',
    epochs: 7,
    learningRate: 0.01,
    learningRateSchedule: { type: 'plateau', factor: 0.5, patience: 1 },
    earlyStopping: { enabled: false, monitor: 'loss', minDelta: 0, patience: 9 },
    augment: { flip: true, widthShift: 0.1, heightShift: 0.2, zoom: 0.3 },
  });
  expect(options.augment).not.toHaveProperty('rotation');
  expect(Object.keys(options)).not.toEqual(expect.arrayContaining(['json']));
  expect(Object.keys(options)).not.toEqual(expect.arrayContaining(['cacheDir']));
});

it.each([
  ['--no-augment', { augment: false }],
  ['nothing to vary', { flip: false, widthShift: 0, heightShift: 0, zoom: 0 }],
])('an older run has no augmentation with %s', (_what, changed) => {
  expect(optionsOfRun({ arguments: { ...flags, ...changed } }).augment).toBeUndefined();
});

it('options of an older run of the library are the arguments that it recorded', () => {
  const given = { data: 'fruit', earlyStopping: { patience: 2 }, augment: undefined, seed: 1 };
  expect(optionsOfRun({ arguments: given })).toEqual({
    data: 'fruit',
    earlyStopping: { patience: 2 },
    seed: 1,
  });
});

it('options that a run records go before its arguments', () => {
  const options = { backbone: 'other.onnx' };
  expect(optionsOfRun({ options, arguments: flags })).toEqual({ backbone: 'other.onnx' });
});

it('a run records what decides its head, and not where it is computed', () => {
  const options = { data: 'fruit', epochs: 3, views: 'exact', init: 'w.safetensors' } as const;
  const elsewhere = { device: 'cpu', threads: 2, cacheDir: '/c', onEpoch: () => {}, out: 'r' };
  expect(recordedOptions({ ...options, ...elsewhere, resume: true } as typeof options)).toEqual(
    options,
  );
});
