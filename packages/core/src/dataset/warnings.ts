import type { LabelledFolder } from './layout.ts';
import { list } from './layout.ts';
import type { Sample } from './types.ts';

/** Below this many images, what is measured of a class says little. */
export const fewImages = 20;

export function tinyClassWarning(
  samples: readonly Sample[],
  classes: readonly string[],
): string | undefined {
  const tiny = countByClass(samples, classes)
    .map((count, label) => ({ count, name: classes[label] }))
    .filter(({ count }) => count < fewImages)
    .map(({ count, name }) => `${name} (${count})`);
  if (tiny.length === 0) return undefined;
  return `Classes with fewer than ${fewImages} images: ${list(tiny)}. Expect little of them.`;
}

export function countByClass(samples: readonly Sample[], classes: readonly string[]): number[] {
  const counts = classes.map(() => 0);
  for (const { label } of samples) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

export function missingClassWarning(
  { path, classes: present }: LabelledFolder,
  classes: readonly string[],
): string | undefined {
  const names = new Set(present.map(({ name }) => name));
  const missing = classes.filter((name) => !names.has(name));
  return missing.length > 0 ? `${path} has no images of: ${list(missing)}.` : undefined;
}

/** Images of one part whose bytes are in training too. */
export function leakWarnings(
  train: readonly Sample[],
  other: readonly Sample[],
  part: 'validation' | 'test',
): string[] {
  const known = new Map(train.map((sample) => [sample.hash, sample.name]));
  const leaked = other.filter(({ hash }) => known.has(hash));
  const [first] = leaked;
  if (!first) return [];
  return [
    `${leaked.length} of ${other.length} ${part} images have the same content as training images (${first.name} is ${known.get(first.hash)}): the ${part} accuracy will look too good.`,
  ];
}
