export type PartName = 'train' | 'validation' | 'test';

/** Names of the parts of a data set, the usual ones first: they win where several stand side by side. */
export const partNames = {
  train: { usual: ['train', 'training'], other: [] },
  validation: {
    usual: ['val', 'valid', 'validation'],
    other: ['dev', 'eval', 'evaluation', 'holdout'],
  },
  test: { usual: ['test'], other: ['testing'] },
} as const satisfies Record<PartName, object>;

/** Words that data sets put around such a name: `training_set`, `seg_train`, `Train_Data`. */
const fillers = new Set(['set', 'data', 'dataset', 'images', 'seg', 'split']);

/** The part that a name stands for; undefined where it is not such a name. */
export function partNamed(name: string): PartName | undefined {
  const parts = Object.keys(partNames) as PartName[];
  return parts.find((part) => isNamed(name, part));
}

export function isNamed(name: string, part: PartName): boolean {
  const { usual, other } = partNames[part];
  const words = name.toLowerCase().split(/[\s_.-]+/);
  const word = words.filter((one) => !fillers.has(one)).join('');
  return [...usual, ...other].some((known) => known === word);
}
