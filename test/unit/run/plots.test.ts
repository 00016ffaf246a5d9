import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { reliabilityBins } from '#core/evaluate';
import { colours } from '#core/page';
import { confusionSvg, curvesSvg, reliabilitySvg } from '#core/run';

const history = Array.from({ length: 12 }, (_, i) => ({
  epoch: i + 1,
  loss: 2 / (i + 1),
  accuracy: 1 - 0.5 / (i + 1),
  valLoss: 2.2 / (i + 1),
  valAccuracy: 0.9 - 0.5 / (i + 1),
  learningRate: 1e-3,
  seconds: 1,
}));

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((m) => m[1]);

describe('training curves', () => {
  test('are a picture that says in words what it shows', async () => {
    const svg = await curvesSvg(history, 9);
    expect(svg).toMatch(/^<svg role="img" aria-label="Training curves\. 12 epochs\./);
    expect(svg).toContain('<desc>12 epochs. In the last one training accuracy was 95.8 %');
    expect(texts(svg)).toEqual(expect.arrayContaining(['Loss', 'Accuracy', 'kept: 9']));
    const { width, height } = await sharp(Buffer.from(svg)).metadata();
    expect([width, height].every((side) => (side as number) > 200)).toBe(true);
  });

  test('are drawn for a single epoch', async () => {
    const svg = await curvesSvg(history.slice(0, 1), 1);
    expect(texts(svg)).toContain('kept: 1');
    expect(svg).not.toContain('NaN');
  });
});

describe('the confusion matrix', () => {
  const matrix = {
    classes: 3,
    counts: [
      [5, 1, 0],
      [0, 7, 0],
      [0, 0, 0],
    ],
  };

  test('shows the counts of all classes, also of one without samples', async () => {
    const svg = await confusionSvg(matrix, ['red', 'green', 'blue']);
    expect(texts(svg)).toEqual(expect.arrayContaining(['5', '1', '7', 'red', 'green', 'blue']));
    expect(svg).toContain('Of 13 samples of 3 classes, 12 are classified correctly.');
    expect(svg).not.toContain('NaN');
  });

  test('keeps two classes apart whose names look alike', async () => {
    const svg = await confusionSvg(matrix, ['a', 'a ', 'a<&"']);
    expect(texts(svg)).toContain('a&lt;&amp;"');
    expect(svg.match(/aria-roledescription="rect mark"/g)).toHaveLength(3);
  });

  test('stays small for a thousand classes', async () => {
    const classes = 1000;
    const one = Array.from({ length: classes }, (_, k) => k);
    const counts = one.map((label) => one.map((predicted) => (label === predicted ? 3 : 0)));
    const svg = await confusionSvg(
      { classes, counts },
      Array.from({ length: classes }, (_, k) => `class ${k}`),
    );
    expect(svg.length).toBeLessThan(1_000_000);
  });
});

describe('the reliability diagram', () => {
  const bins = reliabilityBins({
    probabilities: Float32Array.of(0.9, 0.1, 0.8, 0.2, 0.35, 0.65),
    labels: Int32Array.of(0, 1, 1),
    classes: 2,
  });

  test('shows both curves of a calibrated run, and one of another', async () => {
    const both = await reliabilitySvg({ bins, error: 0.1 }, { bins, error: 0.2 });
    expect(both).toContain('Expected calibration error: 10.0 % calibrated, 20.0 % as trained.');
    expect(texts(both)).toEqual(expect.arrayContaining(['calibrated', 'as trained', 'Samples']));
    const one = await reliabilitySvg({ bins, error: 0.1 });
    expect(texts(one)).toContain('as trained');
    expect(texts(one)).not.toContain('calibrated');
    expect(both + one).not.toContain('NaN');
  });
});

describe('plots', () => {
  test('have only colours that a dark page knows', async () => {
    const known = new Set<string>(Object.values(colours).map(({ light }) => light));
    const counts = [
      [5, 1],
      [0, 7],
    ];
    const plots = [
      await curvesSvg(history, 9),
      await confusionSvg({ classes: 2, counts }, ['a', 'b']),
    ];
    for (const svg of plots) {
      const used = [...svg.matchAll(/(?:fill|stroke)="(#[^"]+)"/g)].map((m) => m[1] as string);
      expect(used.length).toBeGreaterThan(10);
      expect(used.filter((colour) => !known.has(colour))).toEqual([]);
    }
  });

  test('show every class name, whatever is in it, in a document that XML readers take', async () => {
    const evil = [
      'constructor',
      '__proto__',
      'a\u0001\u001b[31m',
      'b\uffff',
      'c\ud800',
      "d'\u2028e",
    ];
    const shown = [...evil.slice(0, 2), 'a\\x01\\x1b[31m', 'b\\uffff', 'c\\ud800', "d'\u2028e"];
    const counts = evil.map((_, label) => evil.map((_, called) => (label === called ? 3 : 0)));
    const svg = await confusionSvg({ classes: evil.length, counts }, evil);
    for (const name of shown) expect(texts(svg).filter((text) => text === name)).toHaveLength(2);
    // librsvg reads XML strictly.
    expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg');
  });
});
