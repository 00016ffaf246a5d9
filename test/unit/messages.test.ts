import { readFileSync } from 'node:fs';
import * as core from '@headstart/core';
import { HeadstartError } from '@headstart/core';
import { describe, expect, it } from 'vitest';
import * as features from '#core/features';
import * as tables from '#core/options';
import { commandOfFunction, inFlags, messageInFlags } from '../../packages/cli/dist/words.js';
import { sourceFiles, stringsOf } from '../util/source-strings.ts';

/** Of the library, but for the help of options, which only a command line shows. */
const strings = sourceFiles('packages/core/src')
  .filter((file) => !file.includes('/src/options/'))
  .flatMap((file) => stringsOf(readFileSync(file, 'utf8')).map((text) => ({ file, text })));

/** What is not a message: arguments of npm, and the mark by which a written file is known. */
const noMessages = ['--pack-destination', '--json', '<!-- Written by `headstart export`. -->'];

const commands = 'audit cache check compare demo doctor evaluate explain export features folds';
const more = 'learning-curve predict pull serve setup sweep train';
const command = new RegExp(
  `headstart (${[...commands.split(' '), ...more.split(' ')].join('|')})\\b`,
);

const optionNames = new Set(
  Object.values(tables).flatMap((table) => (typeof table === 'object' ? Object.keys(table) : [])),
);

describe('a message of the library', () => {
  const messages = strings.filter(({ text }) => !noMessages.includes(text));

  it('is found by this test', () => {
    const texts = messages.map(({ text }) => text);
    expect(texts).toContain('it was interrupted; the run is complete');
    expect(texts.filter((text) => text.includes('with `cacheDir`')).length).toBeGreaterThan(1);
  });

  it('names no flag', () => {
    const css = /var\(--|style="--|;|\{/;
    const flagged = messages.filter(
      ({ text }) => /(^|[\s`(])--[a-z]/.test(text) && !css.test(text),
    );
    expect(flagged).toEqual([]);
  });

  it('names no command', () => {
    expect(messages.filter(({ text }) => command.test(text))).toEqual([]);
  });

  it('names options and functions that there are', () => {
    // A model card names what goes into the model and comes out.
    const said = messages.filter(({ file }) => !file.endsWith('model-card.ts'));
    const names = said.flatMap(({ text }) => [...text.matchAll(/`([a-z]\w*)(\(\))?`/g)]);
    expect(names.length).toBeGreaterThan(30);
    const unknown = names.filter(([, name = '', call]) => {
      if (call === undefined) return !optionNames.has(name);
      return !Object.hasOwn(commandOfFunction, name) || !(name in core || name in features);
    });
    expect(unknown.map(([text]) => text)).toEqual([]);
  });
});

describe('a message', () => {
  const texts = ['core', 'cli', 'native']
    .flatMap((name) => sourceFiles(`packages/${name}/src`))
    .flatMap((file) => stringsOf(readFileSync(file, 'utf8')));

  it.each([
    ['is not a …', /(?<!there )\b(is|are) no (?!longer|more\b|other)/i],
    ['again', /\banew\b/],
    ['missing', /\blacks\b/],
    [
      'per',
      /\bone (an? )?(folder|file|row|line|step|class) an? \w|\b(images|bytes|views|pixels) an? (step|request|image|training image)\b/,
    ],
    ['files and runs have and name', /\b(knows|hears|does not (say|know))\b/],
  ])('is in plain English: %s', (_, pattern) => {
    expect(texts.filter((text) => pattern.test(text))).toEqual([]);
  });
});

describe('the command line', () => {
  it.each([
    ['Choose another place with `out`.', 'Choose another place with --out.'],
    ['Give both `features` and `validationFeatures`.', 'Give both --features and --val-features.'],
    ['with `views` exact', 'with --views exact'],
    ['Fetch them with `pullWeights()`.', 'Fetch them with `headstart pull`.'],
    ['`folds` is false', '--no-folds was given'],
    ['see `learningRateSchedule.patience`', 'see --lr-patience'],
    ['see `earlyStopping.patience` and `olderThanDays`', 'see --patience and --older-than'],
    ['`npm pack x` and `someFile`', '`npm pack x` and `someFile`'],
  ])('says %s as %s', (text, said) => {
    expect(inFlags(text)).toBe(said);
  });

  it('names the flag of an option that has a wrong value', () => {
    const option = 'earlyStopping.patience';
    const error = new HeadstartError('USAGE', `The option ${option} must be 1, not 2.`, { option });
    expect(messageInFlags(error)).toBe('The option --patience must be 1, not 2.');
  });
});
