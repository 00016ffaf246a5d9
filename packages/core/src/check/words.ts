import { plural } from '../base/plural.ts';
import { largePixels, narrowRatio } from './traits.ts';
import type { CheckReport, SamePicture, Trait } from './types.ts';

/**
 * A trait in a sentence without a full stop.
 *
 * @example
 * ```ts
 * const report = await checkDataset('fruit');
 * const lines = report.traits.map((trait) => describeTrait(trait, report));
 * ```
 */
export function describeTrait({ kind, count }: Trait, { inputSize }: CheckReport): string {
  const images = plural(count, 'image');
  const is = count === 1 ? 'is' : 'are';
  const has = count === 1 ? 'has' : 'have';
  switch (kind) {
    case 'turned':
      return `${images} ${is} stored turned (EXIF orientation), and ${is} turned upright when read`;
    case 'gray':
      return `${images} ${is} gray, and become${count === 1 ? 's' : ''} RGB`;
    case 'cmyk':
      return `${images} ${is} CMYK, and become${count === 1 ? 's' : ''} RGB`;
    case 'transparent':
      return `${images} ${has} an alpha channel, and ${is} blended on white`;
    case 'animated':
      return `${images} ${has} several frames, of which the first is taken`;
    case 'blank':
      return `${images} ${is} of a single colour`;
    case 'small':
      return `${images} ${is} much smaller than the input of ${inputSize}x${inputSize}, and ${is} enlarged more than twice`;
    case 'narrow':
      return `${images} ${has} one side more than ${narrowRatio} times the other: see \`fit\``;
    case 'large':
      return `${images} ${has} more than ${largePixels / 1e6} megapixels, and take${count === 1 ? 's' : ''} long to read`;
    default:
      return kind satisfies never;
  }
}

/**
 * Sentences about what is not a fault of single files.
 *
 * @example
 * ```ts
 * for (const advice of adviceOn(await checkDataset('fruit'))) console.log(advice);
 * ```
 */
export function adviceOn(report: CheckReport): string[] {
  const { tinyClasses, imbalance, warnings } = report;
  const tiny = tinyClasses.map(({ name, count }) => {
    return `The class ${name} has only ${plural(count, 'image')}${report.split ? '' : ' to train on'}.`;
  });
  const uneven =
    imbalance > 3
      ? [
          `The largest class has ${imbalance.toFixed(1)} times the images of the smallest: consider \`classWeights\` balanced.`,
        ]
      : [];
  return [...warnings, ...tiny, ...uneven, ...leakAdvice(report), ...sameBytesAdvice(report)];
}

function sameBytesAdvice({ conflicts, leaks }: CheckReport): string[] {
  if (![...conflicts, ...leaks].some(({ exact }) => exact)) return [];
  return [
    'Files of the same bytes are in two classes or parts: `writeCorrections` writes corrections that leave them out.',
  ];
}

function leakAdvice({ split, leaks, classes }: CheckReport): string[] {
  if (leaks.length === 0) return [];
  const held = classes.reduce((sum, { validation, test }) => sum + validation + test, 0);
  const leaked = new Set(
    leaks.flatMap(({ files }) => files.filter(({ part }) => part !== 'train').map((f) => f.name)),
  );
  const advice = split
    ? 'keep such images together with `groupBy`, or remove some'
    : 'take them out of one of the two';
  return [
    `${leaked.size} of ${held} images for validation or test show the same, or nearly so, as one for training, so an accuracy on them will look too good: ${advice}.`,
  ];
}

/**
 * How often something was found, and how often of that in other bytes.
 *
 * @example
 * ```ts
 * const { duplicates } = await checkDataset('fruit');
 * console.log(`${countPictures(duplicates)} twice`);
 * ```
 */
export function countPictures(list: readonly SamePicture[]): string {
  const near = list.filter(({ exact }) => !exact).length;
  if (near === 0) return `${list.length}`;
  return near === list.length
    ? `${near} (near duplicates)`
    : `${list.length} (${near} of them near duplicates)`;
}

/**
 * `exact` or how alike near duplicates are.
 *
 * @example
 * ```ts
 * const { duplicates } = await checkDataset('fruit');
 * for (const pair of duplicates) console.log(likeness(pair));
 * ```
 */
export function likeness({ exact, similarity }: SamePicture): string {
  return exact ? 'the same bytes' : `nearly the same (${similarity.toFixed(3)})`;
}
