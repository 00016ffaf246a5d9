import { describe, expect, it } from 'vitest';
import { trainingSchedule } from '#core/head';
import * as tables from '#core/options';

const { checkOptions, optimizerOptions, headOptions, settleOptions } = tables;

type Table = Parameters<typeof checkOptions>[0];
const allTables = Object.entries(tables)
  .filter(([name, value]) => typeof value === 'object' && name !== 'auditDefaults')
  .map(([name, table]) => [name, table as unknown as Table] as const);

describe('a table of options', () => {
  it.each(allTables)('%s has defaults that its own kinds accept', (_name, table) => {
    for (const [name, { kind, ...entry }] of Object.entries(table)) {
      for (const value of [entry.default, entry.implied]) {
        if (value !== undefined) expect(kind.accepts(value), name).toBe(true);
      }
    }
  });

  it.each(allTables)('%s reads each default back from its text', (_name, table) => {
    for (const [name, { kind, default: value }] of Object.entries(table)) {
      if (value !== undefined && kind.read) expect(kind.read(String(value)), name).toEqual(value);
    }
  });

  it('gives the value of every option, the given one or its default', () => {
    expect(settleOptions(optimizerOptions, { learningRate: 0.5 })).toMatchObject({
      learningRate: 0.5,
      optimizer: 'adam',
      momentum: 0,
      weightDecay: undefined,
    });
  });

  it.each([
    [
      headOptions,
      { epochs: 0 },
      'The option epochs must be an integer from 1 to 2147483647, not 0.',
    ],
    [headOptions, { dropout: 1 }, 'The option dropout must be a number from 0 to below 1, not 1.'],
    [
      headOptions,
      { stepsPerEpoch: 'all' },
      'The option stepsPerEpoch must be auto or an integer from 1 to 2147483647, not "all".',
    ],
    [headOptions, { shuffle: 1 }, 'The option shuffle must be true or false, not 1.'],
    [
      tables.augmentOptions,
      { rotation: 200 },
      'The option rotation must be a number from 0 to 180, not 200.',
    ],
    [
      tables.splitOptions,
      { validationFraction: 0 },
      'The option validationFraction must be a number above 0 and below 1, not 0.',
    ],
    [tables.runOptions, { folds: 1 }, 'an integer from 2 to 2147483647, or false, not 1.'],
    [tables.featuresOptions, { shard: { index: 5, count: 4 } }, 'the part and how many there are'],
  ] as const)('refuses what an option cannot be: %#', (table, options, message) => {
    expect(() => checkOptions(table, options)).toThrow(message);
  });

  it('takes what a program leaves undefined as not given', () => {
    expect(() => checkOptions(headOptions, { epochs: undefined })).not.toThrow();
  });
});

describe('an error about an option', () => {
  it.each([
    [{ batchSize: 0 }, 'batchSize', 'an integer from 1 to 65536, not 0'],
    [{ earlyStopping: { patience: -1 } }, 'earlyStopping.patience', 'an integer from 0'],
    [{ learningRateSchedule: { type: 'plateau', factor: 1 } }, 'learningRateSchedule.factor', ''],
    [{ momentum: 0.9 }, 'momentum', 'left out, as the optimizer adam has none, not 0.9'],
  ] as const)(
    'names it as the library has it, with what it is part of: %o',
    (options, name, expected) => {
      const message = expect.stringContaining(`The option ${name} must be ${expected}`);
      const error = expect.objectContaining({ code: 'USAGE', option: name, message });
      expect(() => trainingSchedule(options, 5)).toThrow(error);
    },
  );
});

describe('the text of an option', () => {
  const { collectOptions, featuresOptions, sweepOptions, verifyOptions, exportOptions } = tables;
  it.each([
    [collectOptions.olderThanDays, '30d', 30],
    [collectOptions.olderThanDays, '30', 30],
    [collectOptions.olderThanDays, '4W', 28],
    [collectOptions.olderThanDays, '12h', 0.5],
    [collectOptions.olderThanDays, '3y', undefined],
    [collectOptions.maxBytes, '5GB', 5e9],
    [collectOptions.maxBytes, '500 MB', 5e8],
    [collectOptions.maxBytes, '2GiB', 2 * 1024 ** 3],
    [collectOptions.maxBytes, '1k', 1000],
    [collectOptions.maxBytes, '12', 12],
    [collectOptions.maxBytes, '12b', 12],
    [collectOptions.maxBytes, '12 apples', undefined],
    [verifyOptions.sample, '1%', 0.01],
    [verifyOptions.sample, '0.25', 0.25],
    [verifyOptions.sample, '0', undefined],
    [verifyOptions.sample, '200%', undefined],
    [sweepOptions.budget, '90', 90],
    [sweepOptions.budget, '10m', 600],
    [sweepOptions.budget, '0s', undefined],
    [featuresOptions.shard, '2/4', { index: 2, count: 4 }],
    [featuresOptions.shard, '5/4', undefined],
    [featuresOptions.shard, '0/4', undefined],
    [exportOptions.license, 'CC-BY-4.0', 'cc-by-4.0'],
    [exportOptions.license, 'all rights', undefined],
    [headOptions.epochs, ' ', undefined],
    [headOptions.epochs, '1e3', 1000],
    [headOptions.epochs, '1.5', undefined],
    [headOptions.stepsPerEpoch, 'auto', 'auto'],
    [headOptions.stepsPerEpoch, '7', 7],
    [optimizerOptions.optimizer, 'lion', undefined],
  ])('%# is read: %s', ({ kind }, text, value) => {
    expect(kind.read?.(text)).toEqual(value);
  });
});
