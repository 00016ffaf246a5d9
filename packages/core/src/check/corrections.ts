import type { Correction, CorrectionAction } from '../dataset/index.ts';
import type { CheckReport, SamePicture } from './types.ts';

/**
 * Corrections that leave out files of the same bytes: of two classes all, of training and another
 * part those for training. Near duplicates are left to people's eyes.
 */
export function correctionsOf({
  conflicts,
  leaks,
}: Pick<CheckReport, 'conflicts' | 'leaks'>): Correction[] {
  const rows = (pictures: readonly SamePicture[], action: CorrectionAction) =>
    pictures
      .filter(({ exact }) => exact)
      .map(({ files: [{ hash, name }] }) => ({ hash, file: name, action, label: '' }));
  // Of a content that is in both, the later row counts.
  return [...rows(leaks, 'remove-from-training'), ...rows(conflicts, 'remove')];
}
