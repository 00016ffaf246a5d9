import type { LongOperationOptions } from '../base/operation.ts';
import { compareCodePoints } from '../dataset/index.ts';
import type { Content, PlacedSample } from './contents.ts';
import type { Fingerprints } from './fingerprint.ts';
import { findNearDuplicates } from './near-duplicates.ts';
import type { CheckedFile, SamePicture } from './types.ts';

export interface SamePictures {
  readonly conflicts: SamePicture[];
  readonly leaks: SamePicture[];
  readonly duplicates: SamePicture[];
}

type Files = [CheckedFile, ...CheckedFile[]];

export interface SamePicturesOptions extends LongOperationOptions {
  readonly classes: readonly string[];
  /** Whether duplicates within a class count across its parts, as where the split is not the user's. */
  readonly acrossParts: boolean;
}

/** Files of the same bytes, each group in the lists that it belongs to. */
export function exactSamePictures(
  contents: readonly Content[],
  { classes }: Pick<SamePicturesOptions, 'classes'>,
): SamePictures {
  const found: SamePictures = { conflicts: [], leaks: [], duplicates: [] };
  for (const { samples } of contents) {
    if (samples.length < 2) continue;
    const picture = {
      exact: true,
      similarity: 1,
      files: samples.map((sample) => checkedFile(sample, classes)) as Files,
    };
    const labels = new Set(samples.map(({ label }) => label));
    const parts = new Set(samples.map(({ part }) => part));
    const leaks = parts.size > 1 && parts.has('train');
    if (labels.size > 1) found.conflicts.push(picture);
    if (leaks) found.leaks.push(picture);
    if (labels.size === 1 && !leaks) found.duplicates.push(picture);
  }
  return found;
}

/** The most similar other content that was found so far, by content. */
type Nearest = Map<number, { readonly other: number; readonly similarity: number }>;

/**
 * Near duplicates. Of conflicts and leaks, each image is listed with the one that is most like it,
 * so that what is listed together was compared. Duplicates are listed in groups, each file of which
 * was compared with the first: chains, such as a slow pan of a camera, are not one group.
 */
export async function nearSamePictures(
  contents: readonly Content[],
  fingerprints: Fingerprints,
  options: SamePicturesOptions,
): Promise<SamePictures> {
  const conflicts: Nearest = new Map();
  const leaks: Nearest = new Map();
  const leaders = new Map<number, { readonly leader: number; readonly similarity: number }>();
  const samplesOf = (content: number) => (contents[content] as Content).samples;
  const keep = (nearest: Nearest, content: number, other: number, similarity: number) => {
    const known = nearest.get(content);
    if (!known || similarity > known.similarity) nearest.set(content, { other, similarity });
  };
  await findNearDuplicates(
    fingerprints,
    (a, b, similarity) => {
      const relation = relationOf(samplesOf(a), samplesOf(b), options.acrossParts);
      if (relation.conflict) {
        keep(conflicts, a, b, similarity);
        keep(conflicts, b, a, similarity);
      }
      if (relation.leaksFirst) keep(leaks, a, b, similarity);
      if (relation.leaksSecond) keep(leaks, b, a, similarity);
      if (relation.duplicate && !leaders.has(a) && !leaders.has(b)) {
        leaders.set(a, { leader: b, similarity });
      }
    },
    options,
  );
  const { classes } = options;
  const file = (content: number, wanted: (sample: PlacedSample) => boolean = () => true) => {
    const samples = samplesOf(content);
    return checkedFile((samples.find(wanted) ?? samples[0]) as PlacedSample, classes);
  };
  const isTraining = ({ part }: PlacedSample) => part === 'train';
  return {
    conflicts: pairsOnce(conflicts).map(([a, { other, similarity }]) => ({
      exact: false,
      similarity,
      files: [file(a), file(other)].sort(byName) as Files,
    })),
    leaks: [...leaks].map(([a, { other, similarity }]) => ({
      exact: false,
      similarity,
      files: [file(a, (sample) => !isTraining(sample)), file(other, isTraining)],
    })),
    duplicates: groupsOf(leaders).map(({ members, similarity }) => ({
      exact: false,
      similarity,
      files: members.map((content) => file(content)).sort(byName) as Files,
    })),
  };
}

function relationOf(a: readonly PlacedSample[], b: readonly PlacedSample[], acrossParts: boolean) {
  const relation = { conflict: false, leaksFirst: false, leaksSecond: false, duplicate: false };
  for (const x of a) {
    for (const y of b) {
      if (x.label !== y.label) relation.conflict = true;
      else if (acrossParts || x.part === y.part) relation.duplicate = true;
      if (x.part !== 'train' && y.part === 'train') relation.leaksFirst = true;
      if (x.part === 'train' && y.part !== 'train') relation.leaksSecond = true;
    }
  }
  return relation;
}

/** Where two contents are each other's nearest, once. */
function pairsOnce(nearest: Nearest) {
  return [...nearest].filter(
    ([content, { other }]) => !(nearest.get(other)?.other === content && other < content),
  );
}

function groupsOf(
  leaders: ReadonlyMap<number, { readonly leader: number; readonly similarity: number }>,
) {
  const groups = new Map<number, { members: number[]; similarity: number }>();
  for (const [content, { leader, similarity }] of leaders) {
    const group = groups.get(leader) ?? { members: [leader], similarity: 1 };
    group.members.push(content);
    group.similarity = Math.min(group.similarity, similarity);
    groups.set(leader, group);
  }
  return [...groups.values()];
}

function checkedFile({ name, hash, part, label }: PlacedSample, classes: readonly string[]) {
  return { name, hash, part, class: classes[label] ?? '' };
}

export function byName(a: CheckedFile, b: CheckedFile): number {
  return compareCodePoints(a.name, b.name);
}
