import { describe, expect, it } from 'vitest';
import { evaluateClassification, type Metrics } from '#core/evaluate';
import { modelCard } from '#core/run';
import { contentsOfRun } from './contents.ts';

function cardOf(classes: readonly string[], metrics?: Metrics): Promise<string> {
  const { record } = contentsOfRun();
  return modelCard({
    name: 'fruit',
    record: { format: 'headstart-run', version: 1, files: {}, ...record, classes },
    metrics,
    precision: 'float32',
    bytes: 1e6,
    sha256: '0'.repeat(64),
  });
}

describe('a model card', () => {
  it('shows class names as they are, whatever is in them', async () => {
    const card = await cardOf(['a|b', 'back`tick', '``', '`', ' spaced ', '   ']);
    const row = card.split('\n').find((line) => line.startsWith('| classes'));
    expect(row).toBe('| classes | `a\\|b`, ``back`tick``, ` `` `, `` ` ``, `  spaced  `, `   ` |');
  });

  it('gives log-loss and calibration error of the same, calibrated probabilities', async () => {
    const { metrics } = evaluateClassification({
      probabilities: Float32Array.of(0.9, 0.1, 0.2, 0.8, 0.75, 0.25),
      labels: Int32Array.of(0, 1, 1),
      names: ['1', '2', '3'],
      classes: ['a', 'b'],
      temperature: 3,
    });
    const card = await cardOf(['a', 'b'], metrics);
    expect(metrics.logLoss).not.toBeCloseTo(metrics.uncalibrated.logLoss, 2);
    expect(card).toContain(`log-loss ${metrics.logLoss.toFixed(4)}.`);
    expect(card).toContain(`(ECE) ${(100 * metrics.calibrationError).toFixed(1)} %`);
  });
});
