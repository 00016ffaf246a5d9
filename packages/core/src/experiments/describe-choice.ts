import type { TrialChoice } from './search-space.ts';

const titles: Record<keyof TrialChoice, string> = {
  head: 'head',
  optimizer: 'optimizer',
  learningRate: 'learning rate',
  weightDecay: 'weight decay',
  dropout: 'dropout',
  labelSmoothing: 'label smoothing',
  l2: 'l2',
  momentum: 'momentum',
  classWeights: 'class weights',
};

/**
 * The options of a trial in words; those that change nothing are left out.
 *
 * @example
 * ```ts
 * const { best } = await sweep({ data: 'fruit', backbone: 'vgg16' });
 * console.log(describeChoice(best.options));
 * ```
 */
export function describeChoice(choice: TrialChoice): string {
  return (Object.keys(titles) as (keyof TrialChoice)[])
    .filter((key) => choice[key] !== undefined && choice[key] !== 0 && choice[key] !== 'none')
    .map((key) => `${titles[key]} ${choice[key]}`)
    .join(', ');
}
