import { describe, expect, test } from 'vitest';
import {
  classScores,
  confusionMatrix,
  evaluateClassification,
  logLoss,
  meanScores,
  topKAccuracy,
  wilsonInterval,
  worstMistakes,
} from '#core/evaluate';

/** Six samples of classes 0, 0, 1, 1, 2, 2; one of class 1 and one of class 2 are wrong. */
const six = {
  classes: 3,
  labels: Int32Array.of(0, 0, 1, 1, 2, 2),
  probabilities: Float32Array.of(
    ...[0.7, 0.2, 0.1],
    ...[0.5, 0.3, 0.2],
    ...[0.1, 0.8, 0.1],
    ...[0.6, 0.3, 0.1],
    ...[0.2, 0.2, 0.6],
    ...[0.1, 0.5, 0.4],
  ),
};

describe('wilsonInterval', () => {
  // From SciPy 1.17.1: binomtest(successes, trials).proportion_ci(method='wilson').
  test.each([
    [86, 100, 0.7786281178903617, 0.9147365634006087],
    [1, 1, 0.20654931437723745, 1],
    [0, 10, 0, 0.27753279986288926],
  ])('of %i in %i', (successes, trials, low, high) => {
    const interval = wilsonInterval(successes, trials);
    expect(interval[0]).toBeCloseTo(low, 12);
    expect(interval[1]).toBeCloseTo(high, 12);
  });

  test('says nothing where nothing was tried', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1]);
  });
});

describe('confusionMatrix', () => {
  test('has a row for each true class and a column for each predicted one', () => {
    expect(confusionMatrix(six).counts).toEqual([
      [2, 0, 0],
      [1, 1, 0],
      [0, 1, 1],
    ]);
  });

  test('gives equal probabilities to the lower class', () => {
    const tie = { classes: 2, labels: Int32Array.of(1), probabilities: Float32Array.of(0.5, 0.5) };
    expect(confusionMatrix(tie).counts).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });
});

describe('classScores and meanScores', () => {
  // From scikit-learn 1.9.1: precision_recall_fscore_support([0,0,1,1,2,2], [0,0,1,0,2,1]).
  test('agree with scikit-learn', () => {
    const scores = classScores(confusionMatrix(six));
    expect(scores.map((s) => s.precision)).toEqual([2 / 3, 1 / 2, 1]);
    expect(scores.map((s) => s.recall)).toEqual([1, 1 / 2, 1 / 2]);
    [0.8, 0.5, 2 / 3].forEach((f1, k) => {
      expect(scores[k]?.f1).toBeCloseTo(f1, 12);
    });
    expect(scores.map((s) => s.support)).toEqual([2, 2, 2]);
    expect(scores.map((s) => s.predicted)).toEqual([3, 2, 1]);
    const { macro, weighted } = meanScores(scores);
    expect(macro.f1).toBeCloseTo(0.6555555555555556, 12);
    expect(weighted.precision).toBeCloseTo(0.7222222222222222, 12);
  });

  test('leave a class without samples out of the means, and its recall open', () => {
    const matrix = {
      classes: 3,
      counts: [
        [3, 0, 1],
        [0, 4, 0],
        [0, 0, 0],
      ],
    };
    const scores = classScores(matrix);
    expect(scores[2]).toEqual({ precision: 0, recall: null, f1: null, support: 0, predicted: 1 });
    expect(meanScores(scores).macro.recall).toBeCloseTo((3 / 4 + 1) / 2, 12);
  });

  test('give a class that is never predicted the precision 0', () => {
    const matrix = {
      classes: 2,
      counts: [
        [3, 0],
        [2, 0],
      ],
    };
    expect(classScores(matrix)[1]).toMatchObject({ precision: 0, recall: 0, f1: 0, support: 2 });
  });

  test('weigh by support', () => {
    const matrix = {
      classes: 2,
      counts: [
        [9, 0],
        [1, 0],
      ],
    };
    const { macro, weighted } = meanScores(classScores(matrix));
    expect(macro.recall).toBeCloseTo(0.5, 12);
    expect(weighted.recall).toBeCloseTo(0.9, 12);
  });
});

describe('logLoss', () => {
  test('is the mean of the negative logarithms', () => {
    const expected = -[0.7, 0.5, 0.8, 0.3, 0.6, 0.4].reduce((sum, p) => sum + Math.log(p), 0) / 6;
    expect(logLoss(six)).toBeCloseTo(expected, 6);
  });

  // scikit-learn 1.9.1 gives 15.94238 for float32 probabilities.
  test('stays finite where the true class was said to be impossible', () => {
    const sure = { classes: 2, labels: Int32Array.of(1), probabilities: Float32Array.of(1, 0) };
    expect(logLoss(sure)).toBeCloseTo(23 * Math.LN2, 10);
  });
});

describe('topKAccuracy', () => {
  test('counts samples whose class is among the first k', () => {
    expect(topKAccuracy(six, 1)).toBeCloseTo(4 / 6, 12);
    expect(topKAccuracy(six, 2)).toBe(1);
    expect(topKAccuracy(six, 3)).toBe(1);
  });

  test('ranks the lower class first among equals', () => {
    const equal = {
      classes: 3,
      labels: Int32Array.of(2),
      probabilities: new Float32Array(3).fill(1 / 3),
    };
    expect(topKAccuracy(equal, 2)).toBe(0);
    expect(topKAccuracy(equal, 3)).toBe(1);
  });
});

describe('evaluateClassification', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const evaluation = evaluateClassification({ ...six, names, classes: ['x', 'y', 'z'] });

  test('joins the measures', () => {
    const { metrics } = evaluation;
    expect(metrics.samples).toBe(6);
    expect(metrics.accuracy).toBeCloseTo(4 / 6, 12);
    expect(metrics.interval).toEqual(wilsonInterval(4, 6));
    expect(metrics.topK).toEqual([{ k: 1, accuracy: 4 / 6 }]);
    expect(metrics.classes.map(({ name }) => name)).toEqual(['x', 'y', 'z']);
  });

  test('survives JSON', () => {
    expect(JSON.parse(JSON.stringify(evaluation.metrics))).toEqual(evaluation.metrics);
  });

  test('lists the worst mistakes first', () => {
    const worst = worstMistakes(evaluation.predictions, 10);
    expect(worst.map(({ name }) => name)).toEqual(['d', 'f']);
    expect(worst[0]?.probability).toBeCloseTo(0.6, 6);
    expect(worst[0]?.labelProbability).toBeCloseTo(0.3, 6);
    expect(worstMistakes(evaluation.predictions, 1)).toHaveLength(1);
  });

  test('works on a single sample', () => {
    const { metrics } = evaluateClassification({
      probabilities: Float32Array.of(0.9, 0.1),
      labels: Int32Array.of(0),
      names: ['a'],
      classes: ['x', 'y'],
    });
    expect(metrics).toMatchObject({ samples: 1, accuracy: 1, macro: { recall: 1 } });
  });

  test('refuses to evaluate nothing', () => {
    const nothing = { probabilities: new Float32Array(0), labels: new Int32Array(0), names: [] };
    expect(() => evaluateClassification({ ...nothing, classes: ['x', 'y'] })).toThrow(
      'There are no labelled samples',
    );
  });

  test('refuses probabilities of another number of classes', () => {
    expect(() => evaluateClassification({ ...six, names, classes: ['x', 'y'] })).toThrow(
      '6 samples of 2 classes need 12 probabilities, not 18',
    );
  });
});
