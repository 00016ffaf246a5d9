import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluateClassification } from '#core/evaluate';
import { writeEvaluationReport, writeRun } from '#core/run';
import { type ContentsOptions, contentsOfRun } from './contents.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'headstart-'));
});
afterAll(() => rm(root, { recursive: true }));

async function reportOf(options: ContentsOptions = {}): Promise<string> {
  await writeRun(root, contentsOfRun(options));
  return readFile(join(root, 'report.html'), 'utf8');
}

describe('the report', () => {
  test('tells what a reader wants to know', async () => {
    const report = await reportOf({ warnings: ['Class red has 12 images.'] });
    for (const part of [
      '66.7 % (95 % interval 20.8 % to 93.9 %)',
      'red/2.png',
      'Class red has 12 images.',
      '/data/lights',
      'CPU, AVX2, 2 threads',
      '{&quot;flip&quot;:true}',
      'None: every file was used.',
      'b'.repeat(64),
    ]) {
      expect(report).toContain(part);
    }
    expect(report.match(/<svg /g)).toHaveLength(3);
  });

  test('loads nothing from anywhere', async () => {
    const report = await reportOf();
    expect(report).not.toMatch(/<script|<link|<iframe|@import|url\(["']?http/);
    expect(report).not.toMatch(/(src|href)\s*=\s*["']?(http|\/)/);
    expect(report).toContain("default-src 'none'");
  });

  test('says that an untrained backbone is one, and only then', async () => {
    expect(await reportOf({ untrained: true })).toContain('<strong>Untrained backbone.</strong>');
    expect(await reportOf()).not.toContain('Untrained');
  });

  test('shows names as they are and never takes them for markup', async () => {
    const evil = '<img src=x onerror="alert(1)">&\'';
    const report = await reportOf({
      classes: [evil, '</script><b>'],
      names: [`${evil}/1`, `${evil}/2`, `${evil}/3`],
      warnings: [evil],
      skipped: [{ path: evil, reason: evil }],
    });
    expect(report).not.toContain('<img');
    expect(report).not.toContain('</script>');
    expect(report).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;/3');
  });
});

describe('mistakes in the report', () => {
  const uri = 'data:image/jpeg;base64,AAAA';
  const thumbnail = { uri, width: 150, height: 100 };

  test('are shown with their pictures and what speaks for either class', async () => {
    const heat = { predicted: thumbnail, label: thumbnail };
    const pictures = new Map([['red/2.png', { picture: thumbnail, heat }]]);
    await writeRun(root, { ...contentsOfRun(), pictures: async () => pictures });
    const report = await readFile(join(root, 'report.html'), 'utf8');
    expect(report.match(/<img /g)).toHaveLength(3);
    for (const text of ['signs of green', 'signs of red', '75.0 %', '1 of 3 samples']) {
      expect(report).toContain(text);
    }
  });

  test('say why there is no picture', async () => {
    const pictures = new Map([['red/2.png', { picture: { reason: 'it is cut off' } }]]);
    await writeRun(root, { ...contentsOfRun(), pictures: async () => pictures });
    const report = await readFile(join(root, 'report.html'), 'utf8');
    expect(report).not.toContain('<img ');
    expect(report).toContain('no picture: it is cut off');
    expect(report).not.toContain('signs of');
  });
});

test('the report stays small where there are many classes, samples and mistakes', async () => {
  const classes = Array.from({ length: 300 }, (_, k) => `class ${k}`);
  const labels = Int32Array.from({ length: 3000 }, (_, i) => i % 300);
  const probabilities = new Float32Array(3000 * 300).fill(0.5 / 299);
  labels.forEach((label, i) => {
    probabilities[i * 300 + ((label + (i % 2)) % 300)] = 0.5;
  });
  const names = Array.from(labels, (_, i) => `class/${i}.png`);
  const evaluation = evaluateClassification({ probabilities, labels, names, classes });
  const contents = contentsOfRun();
  await writeRun(root, { ...contents, evaluation, record: { ...contents.record, classes } });
  expect((await stat(join(root, 'report.html'))).size).toBeLessThan(1_000_000);
});

describe('what a report says of calibration', () => {
  const classes = ['green', 'red'];
  // As trained, 95 % sure where half are right; a temperature below 1 makes that worse.
  const evaluation = evaluateClassification({
    probabilities: Float32Array.of(0.95, 0.05, 0.95, 0.05, 0.05, 0.95, 0.05, 0.95),
    labels: Int32Array.of(0, 1, 1, 0),
    names: ['1', '2', '3', '4'],
    classes,
    temperature: 0.5,
  });

  test('follows the figures, and does not compare errors on images of the fit', async () => {
    await writeRun(root, { ...contentsOfRun({ classes }), evaluation });
    const report = (await readFile(join(root, 'report.html'), 'utf8')).replace(/\s+/g, ' ');
    expect(report).toContain(
      'called is 99.7 % (as trained 95.0 %), and 50.0 % of the images are classified correctly.',
    );
    expect(report).toContain('on the images it was fitted on');
    expect(report).not.toMatch(/too (un)?sure|error is [\d.]+ % with/);
  });

  test('compares errors on other images', async () => {
    const { record } = contentsOfRun({ classes });
    const path = join(root, 'evaluation.html');
    const shown = { record, evaluation, skipped: [], pictures: new Map() };
    await writeEvaluationReport(path, { ...shown, run: 'run', data: 'other' });
    const report = (await readFile(path, 'utf8')).replace(/\s+/g, ' ');
    expect(report).toContain('error is 49.7 % with the temperature and 45.0 % without.');
  });
});
