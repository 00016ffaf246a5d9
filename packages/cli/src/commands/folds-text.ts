import type { FoldsSummary } from '@headstart/core';
import { plural } from '@headstart/core/options';
import { percent } from '../table.ts';

/** A cross-validation in one line. */
export function foldsLine(summary: FoldsSummary): string {
  const { folds, seeds, images, accuracy, deviation, interval } = summary;
  const [low, high] = interval;
  const times = seeds > 1 ? `, ${plural(seeds, 'seed')}` : '';
  return (
    `Cross-validation ${percent(accuracy)} ± ${percent(deviation)} ` +
    `(95 % interval ${percent(low)} to ${percent(high)}; ${folds} folds${times}, ${plural(images, 'image')})`
  );
}
