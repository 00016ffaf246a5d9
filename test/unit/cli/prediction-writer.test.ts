import { describe, expect, it } from 'vitest';
import {
  createPredictionWriter,
  type PredictionFormat,
} from '../../../packages/cli/dist/prediction-writer.js';

const layout = {
  classes: ['cat', 'dog'],
  topk: 2,
  all: false,
  mayBeUnknown: false,
  rowsTogether: 10,
};

const prediction = (name: string) => ({
  name,
  label: 'cat',
  probability: 0.75,
  ranking: [
    { label: 'cat', probability: 0.75 },
    { label: 'dog', probability: 0.25 },
  ],
});

function written(format: PredictionFormat, options = layout) {
  const texts: string[] = [];
  const write = async (text: string) => {
    texts.push(text);
  };
  return { texts, writer: createPredictionWriter(format, options, write) };
}

describe('a prediction writer', () => {
  it.each(['table', 'csv', 'json', 'jsonl'] as const)('streams rows as %s', async (format) => {
    const { texts, writer } = written(format);
    for (let i = 0; i < 95; i++) await writer.add(prediction(`${i}.png`));
    const soFar = texts.join('');
    expect(soFar).toContain('89.png');
    await writer.end();
    expect(texts.join('').match(/\d+\.png/g)).toHaveLength(95);
  });

  it('keeps the columns of a table in line while rows go out', async () => {
    const { texts, writer } = written('table');
    for (let i = 0; i < 12; i++) await writer.add(prediction(i === 3 ? 'a longer name.png' : 'x'));
    await writer.end();
    const lines = texts.join('').trimEnd().split('\n');
    expect(lines).toHaveLength(13);
    expect(new Set(lines.slice(1).map((line) => line.indexOf('75.0 %'))).size).toBe(1);
    expect(lines.filter((line) => line.startsWith('file'))).toHaveLength(1);
  });

  it('shows what would steer a terminal as text', async () => {
    const { texts, writer } = written('table');
    await writer.add(prediction('\u001b[31mred\u0007.png'));
    await writer.end();
    expect(texts.join('')).toContain('\\x1b[31mred\\x07.png');
  });

  it('writes one JSON document where the stream fails: rows and then the error', async () => {
    const failure = { error: { code: 'INTERNAL', message: 'it broke' } };
    const { texts, writer } = written('json');
    await writer.add(prediction('a.png'));
    await writer.end(failure);
    expect(JSON.parse(texts.join(''))).toEqual([
      expect.objectContaining({ file: 'a.png' }),
      failure,
    ]);
    const empty = written('json');
    await empty.writer.end(failure);
    expect(JSON.parse(empty.texts.join(''))).toEqual(failure);
  });
});
