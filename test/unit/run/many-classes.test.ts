import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Classification, evaluateClassification, fitTemperature } from '#core/evaluate';
import { modelCard, writeRun } from '#core/run';
import { contentsOfRun } from './contents.ts';

const classes = Array.from({ length: 3000 }, (_, k) => `class ${k}`);
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'headstart-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Sample i is of class i modulo `count`, and gets 0.5 for it, or every third for the next class. */
function classification(samples: number, count: number): Classification {
  const labels = Int32Array.from({ length: samples }, (_, i) => i % count);
  const probabilities = new Float32Array(samples * count).fill(0.5 / (count - 1));
  labels.forEach((label, i) => {
    probabilities[i * count + ((label + (i % 3 === 0 ? 1 : 0)) % count)] = 0.5;
  });
  return { probabilities, labels, classes: count };
}

test('a run of 3,000 classes leaves out what nobody can read', async () => {
  const { probabilities, labels } = classification(3000, 3000);
  const names = Array.from(labels, (_, i) => `${i}.png`);
  const evaluation = evaluateClassification({ probabilities, labels, names, classes });
  const contents = contentsOfRun();
  const record = { ...contents.record, classes };
  const warnings: string[] = [];
  const onNotice = ({ text }: { readonly text: string }) => warnings.push(text);
  await writeRun(root, { ...contents, evaluation, record, onNotice });
  expect(warnings).toEqual([]);
  expect(await readdir(root)).not.toContain('confusion.svg');
  const report = await readFile(join(root, 'report.html'), 'utf8');
  expect(report).toContain('A plot of 3000 classes cannot be read');
  expect(report).toContain('The 200 of 3000 classes with the lowest F1 on the validation set');
  expect((await stat(join(root, 'report.html'))).size).toBeLessThan(300_000);
  expect((await readFile(join(root, 'confusion.csv'), 'utf8')).split('\n')).toHaveLength(3002);
  const card = await modelCard({
    ...{ name: 'many', metrics: evaluation.metrics, precision: 'float32', bytes: 1, sha256: '0' },
    record: { format: 'headstart-run', version: 1, files: {}, ...record },
  });
  expect(card).toContain('and 2800 more in `labels.txt`');
  expect(card.length).toBeLessThan(30_000);
});

test('the temperature of many probabilities is that of samples between the first and the last', () => {
  const some = fitTemperature(classification(900, 30));
  // 12,000,000 probabilities: more than are looked at.
  const many = fitTemperature(classification(400_000, 30));
  expect(many / some).toBeGreaterThan(0.95);
  expect(many / some).toBeLessThan(1.05);
});

test('18 million probabilities are measured in little more memory than they take', async () => {
  const program = `
    import { evaluateClassification, fitTemperature } from '#core/evaluate';
    const count = 3000;
    const labels = Int32Array.from({ length: 6000 }, (_, i) => i % count);
    const probabilities = new Float32Array(6000 * count).fill(0.5 / (count - 1));
    labels.forEach((label, i) => (probabilities[i * count + label] = 0.5));
    const temperature = fitTemperature({ probabilities, labels, classes: count });
    const classes = Array.from({ length: count }, (_, k) => 'class ' + k);
    const names = Array.from(labels, String);
    evaluateClassification({ probabilities, labels, names, classes, temperature });
    process.stdout.write(String(process.resourceUsage().maxRSS));`;
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  // The numbers are 72 MB; Node itself takes some 50.
  expect(Number(stdout) / 1000).toBeLessThan(450);
});
