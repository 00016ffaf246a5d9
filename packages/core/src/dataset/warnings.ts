import type { Grouping } from './groups.ts';
import type { LabelledFolder } from './labelled.ts';
import { list } from './layout-error.ts';
import type { Sample } from './types.ts';

/** Below this many images, what is measured of a class means little. */
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
  return `Classes with fewer than ${fewImages} images: ${list(tiny)}. Results for them are unreliable.`;
}

/** Where nothing is left of a class to learn from: its files could not be read, or a feature file has none. */
export function unlearntWarning(
  samples: readonly Pick<Sample, 'label'>[],
  classes: readonly string[],
): string | undefined {
  const counts = countByClass(samples, classes);
  const lost = classes.filter((_, label) => counts[label] === 0);
  if (lost.length === 0) return undefined;
  return `No image to learn from is left of: ${list(lost)}. No image will get such a label.`;
}

export function countByClass(
  samples: readonly Pick<Sample, 'label'>[],
  classes: readonly string[],
): number[] {
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

const wayOut = '`checkDataset()` writes corrections that leave them out: `writeCorrections`.';

/** Images whose bytes are under two classes, in whatever parts. */
export function conflictWarnings(samples: readonly Sample[]): string[] {
  const firsts = new Map<string, Sample>();
  const pairs = new Map<string, readonly [Sample, Sample]>();
  for (const sample of samples) {
    const first = firsts.get(sample.hash);
    if (!first) firsts.set(sample.hash, sample);
    else if (first.label !== sample.label && !pairs.has(sample.hash)) {
      pairs.set(sample.hash, [first, sample]);
    }
  }
  const [pair] = pairs.values();
  if (!pair) return [];
  const count = samples.filter(({ hash }) => pairs.has(hash)).length;
  return [
    `${count} images have the same content under two classes (${pair[0].name} is ${pair[1].name}), so one of the labels is wrong. ${wayOut}`,
  ];
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
    `${leaked.length} of ${other.length} ${part} images have the same content as training images (${first.name} is ${known.get(first.hash)}): the ${part} accuracy will look too good. ${wayOut}`,
  ];
}

/** Classes that training has and a part that was split off has not. */
export function unsplitWarning(
  train: readonly Sample[],
  part: readonly Sample[],
  classes: readonly string[],
  name: 'validation' | 'test',
): string | undefined {
  const [inTrain, inPart] = [countByClass(train, classes), countByClass(part, classes)];
  const missing = classes.filter((_, label) => (inTrain[label] ?? 0) > 0 && inPart[label] === 0);
  if (missing.length === 0) return undefined;
  return `No image is left for ${name} of: ${list(missing)}. More different images or groups of them are needed.`;
}

/** Groups that are in training and in another part. */
export function groupWarnings(
  train: readonly Sample[],
  other: readonly Sample[],
  part: 'validation' | 'test',
  groupsOf: Grouping,
): string[] {
  const groups = groupsOf(train);
  const known = new Map(train.map(({ name }, i) => [groups[i], name]));
  const shared = groupsOf(other).flatMap((group, i) =>
    group !== undefined && known.has(group) ? [{ group, name: other[i]?.name }] : [],
  );
  const [first] = shared;
  if (!first) return [];
  const { group } = first;
  return [
    `${shared.length} of ${other.length} ${part} images are of groups that training has too (${first.name} and ${known.get(group)} are of ${group}): the ${part} accuracy will look too good.`,
  ];
}
