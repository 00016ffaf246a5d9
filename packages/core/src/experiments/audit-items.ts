import type { LongOperationOptions } from '../base/operation.ts';
import type { Sample } from '../dataset/index.ts';
import { auditOptions, type OptionsOf } from '../options/index.ts';
import { thumbnail } from '../page/index.ts';
import type { AuditPageItem } from './audit-page.ts';
import type { ExperimentData } from './experiment-data.ts';
import type { AuditedImage, AuditResult } from './label-issues.ts';

export function suspiciousOf({ images }: AuditResult): AuditedImage[] {
  return images.filter(({ suspicious }) => suspicious);
}

/** The one farthest from others first. */
export function outliersOf({ images }: AuditResult): AuditedImage[] {
  return images.filter(({ outlier }) => outlier).sort((a, b) => b.distance - a.distance);
}

/** Pictures to decide on, those of one kind after the other. */
export async function auditItems(
  audit: AuditResult,
  data: ExperimentData,
  {
    pictures = auditOptions.pictures.default,
    signal,
    onProgress,
  }: LongOperationOptions & Pick<OptionsOf<typeof auditOptions>, 'pictures'>,
): Promise<AuditPageItem[]> {
  const byIndex = new Map(audit.images.map((one) => [one.index, one]));
  // A correction is of a content: to remove one of two files of the same bytes would remove both.
  const hash = (i: number) => data.files[i]?.hash;
  const apart = audit.nearDuplicates.filter((p) => p.conflict || hash(p.first) !== hash(p.second));
  const chosen = [
    ...suspiciousOf(audit)
      .slice(0, pictures)
      .map((one) => ({ one, reason: 'label' as const })),
    ...outliersOf(audit)
      .slice(0, pictures)
      .map((one) => ({ one, reason: 'outlier' as const })),
    ...apart.slice(0, pictures).flatMap((pair) => {
      // The copy whose label is the less likely is the one to decide on.
      const sides = [byIndex.get(pair.first), byIndex.get(pair.second)].filter(
        (s) => s !== undefined,
      );
      const [one] = sides.sort((a, b) => a.labelProbability - b.labelProbability);
      if (!one) return [];
      const other = one.index === pair.first ? pair.second : pair.first;
      return [{ one, reason: 'duplicate' as const, other, similarity: pair.similarity }];
    }),
  ];
  const { classes } = data.images;
  const labels = labelsByHash(data.files);
  const items: AuditPageItem[] = [];
  for (const { one, reason, ...pair } of chosen) {
    onProgress?.({ stage: 'pictures', done: items.length, total: chosen.length, unit: 'pictures' });
    const sample = data.files[one.index] as Sample;
    const like = 'other' in pair ? (data.files[pair.other as number] as Sample) : undefined;
    items.push({
      hash: sample.hash,
      file: sample.name,
      label: classes[one.label] as string,
      suggested: classes[one.suggested] as string,
      labelProbability: one.labelProbability,
      suggestedProbability: one.suggestedProbability,
      reason,
      ...((labels.get(sample.hash)?.size ?? 0) > 1 ? { disputed: true } : {}),
      thumbnail: await pictureOf(sample, signal),
      ...(like
        ? {
            like: like.name,
            similarity: 'similarity' in pair ? (pair.similarity as number) : undefined,
            likeThumbnail: await pictureOf(like, signal),
          }
        : {}),
    });
  }
  onProgress?.({ stage: 'pictures', done: items.length, total: chosen.length, unit: 'pictures' });
  return items;
}

function labelsByHash(samples: readonly Sample[]): Map<string, Set<number>> {
  const labels = new Map<string, Set<number>>();
  for (const { hash, label } of samples) {
    labels.set(hash, (labels.get(hash) ?? new Set()).add(label));
  }
  return labels;
}

async function pictureOf({ path }: Sample, signal: AbortSignal | undefined) {
  const made = await thumbnail(path, { size: 220, signal });
  return 'uri' in made ? made.uri : undefined;
}
