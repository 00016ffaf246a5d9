import { describe, expect, test } from 'vitest';
import { auditImages, confidentLabels, nearestNeighbours, unitVectors } from '#core/experiments';
import { type FeatureSet, memoryFeatureSet } from '#core/features';
import { headPreset } from '#core/head';
import { syntheticFeatures } from '../head/synthetic.ts';

describe('confident learning', () => {
  // Class 0 has the mean self-confidence 0.7, class 1 0.725.
  const probabilities = Float64Array.from(
    [0.9, 0.95, 0.9, 0.05, 0.1, 0.05, 0.75, 0.1].flatMap((p, i) =>
      i < 4 ? [p, 1 - p] : [p, 1 - p],
    ),
  );
  const labels = Int32Array.of(0, 0, 0, 0, 1, 1, 1, 1);
  const found = confidentLabels({ probabilities, labels, classes: 2 });

  test('counts as the paper does: confidently of another class than the label says', () => {
    expect(found.joint).toEqual([
      [3, 1],
      [1, 3],
    ]);
    expect([...found.suspicious].sort()).toEqual([3, 6]);
  });

  test('suggests the most probable other class', () => {
    expect(found.suggestions[3]).toBe(1);
    expect(found.suggestions[6]).toBe(0);
    expect(found.confidences[3]).toBeCloseTo(0.05, 12);
  });

  test('suspects nothing where labels and probabilities agree', () => {
    const sure = Float64Array.from(labels, () => 0).map((_, i) => i);
    const agreeing = Float64Array.from(
      [...sure].flatMap((i) => (labels[i] === 0 ? [0.9, 0.1] : [0.2, 0.8])),
    );
    expect(confidentLabels({ probabilities: agreeing, labels, classes: 2 }).suspicious.size).toBe(
      0,
    );
  });
});

describe('the audit', () => {
  const clean = syntheticFeatures({
    samples: 150,
    classes: 3,
    shape: [12],
    separation: 2.5,
    seed: 8,
  });
  const flipped = [4, 37, 71, 98, 120, 144];

  /** With wrong labels, one image like no other, and one that is there twice. */
  async function doubtful(): Promise<FeatureSet> {
    const rows: number[] = [];
    for await (const chunk of clean.chunks()) rows.push(...chunk);
    rows.splice(10 * 12, 12, ...Array.from({ length: 12 }, () => -3));
    rows.splice(60 * 12, 12, ...rows.slice(20 * 12, 21 * 12));
    const samples = clean.samples.map((sample, i) =>
      flipped.includes(i) ? { ...sample, label: (sample.label + 1) % 3 } : sample,
    );
    return memoryFeatureSet({ shape: [12], samples, rows: Float32Array.from(rows) });
  }

  test('finds wrong labels, what is like no other image, and what is there twice', async () => {
    const audit = await auditImages({
      images: { set: await doubtful(), classes: ['a', 'b', 'c'] },
      head: headPreset('linear'),
      learningRate: 1e-2,
      earlyStopping: { monitor: 'val_loss', patience: 5 },
      folds: 4,
      repeats: 2,
      seed: 0,
      similarity: 0.999,
    });
    const top = audit.images.slice(0, 8).map(({ index }) => index);
    expect(flipped.filter((i) => top.includes(i)).length).toBeGreaterThanOrEqual(5);
    for (const one of audit.images.filter(({ suspicious }) => suspicious)) {
      if (flipped.includes(one.index)) expect(one.suggested).toBe(clean.samples[one.index]?.label);
    }
    expect(audit.images.filter(({ outlier }) => outlier).map(({ index }) => index)).toContain(10);
    expect(audit.nearDuplicates[0]).toMatchObject({ first: 20, second: 60 });
    expect(audit.nearDuplicates).toHaveLength(1);
  });
});

test('nearest neighbours of many vectors are found through projections, too', async () => {
  const samples = 3200;
  const width = 200;
  const set = syntheticFeatures({ samples, classes: 40, shape: [width], separation: 4, seed: 3 });
  const rows = new Float32Array(samples * width);
  let at = 0;
  for await (const chunk of set.chunks()) {
    rows.set(chunk as Float32Array, at);
    at += chunk.length;
  }
  const vectors = unitVectors(rows, samples);
  const { indices, similarities } = await nearestNeighbours({ vectors, samples }, 3);
  const [a, b] = [vectors.subarray(0, width), vectors.subarray(width * (indices[0]?.[0] ?? 0))];
  expect(similarities[0]?.[0]).toBeCloseTo(
    a.reduce((sum, x, d) => sum + x * (b[d] as number), 0),
    5,
  );
  const same = indices.slice(0, 200).flatMap((own, i) => own.map((j) => j % 40 === i % 40));
  expect(same.filter((one) => one).length / same.length).toBeGreaterThan(0.95);
});
