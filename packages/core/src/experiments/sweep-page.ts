import { plural } from '../base/plural.ts';
import { wilsonInterval } from '../evaluate/index.ts';
import { html, pageDocument, table } from '../page/index.ts';
import { describeChoice } from './describe-choice.ts';
import { compareScores } from './halving.ts';
import type { Trial } from './trial.ts';

export interface SweepPageContents {
  readonly data: string;
  readonly trials: readonly Trial[];
  /** Validation images. */
  readonly images: number;
  readonly best: Trial;
  readonly baseline: Trial | undefined;
  /** Of the best, trained again and saved. */
  readonly refit: { readonly run: string; readonly accuracy: number };
}

const mostRows = 50;

/** The page of a sweep: leaderboard with intervals. It opens offline. */
export function sweepPage(contents: SweepPageContents): string {
  const { data, trials, images, best, baseline, refit } = contents;
  const order = [...trials].sort((a, b) => compareScores(a, b) || a.trial - b.trial);
  const rows = order.slice(0, mostRows).map((trial, rank) => {
    const [low, high] = intervalOf(trial, images);
    return [
      rank + 1,
      trial.trial,
      percent(trial.accuracy),
      `${percent(low)} to ${percent(high)}`,
      trial.loss.toFixed(4),
      `${trial.bestEpoch} of ${trial.epochs} (${trial.ended})`,
      describeChoice(trial.choice),
    ];
  });
  const columns = [
    { title: 'Rank', numeric: true },
    { title: 'Trial', numeric: true },
    { title: 'Accuracy', numeric: true },
    { title: '95 % interval' },
    { title: 'Loss', numeric: true },
    { title: 'Best epoch' },
    { title: 'Options' },
  ];
  const against = baseline
    ? html` The head that <code>train</code> makes by default reached ${percent(baseline.accuracy)}${baseline.ended === 'budget' ? ' before the time was up' : ''}.`
    : html``;
  const body = html`<p>${plural(trials.length, 'trial')} on ${plural(images, 'validation image')}. The best reached
${percent(best.accuracy)} and was trained again: ${percent(refit.accuracy)}, in <code>${refit.run}</code>.${against}</p>
<p class="notice" role="note">The best of many on the same images is a little too good, by chance: measure it on
others, or cross-validate its options.</p>
<section><h2>Leaderboard</h2>
${table(`The best ${rows.length} of ${plural(trials.length, 'trial')}; trials.csv has all`, columns, rows)}</section>`;
  const style = 'td:not(:last-child), thead th { white-space: nowrap; }';
  return pageDocument({ title: `Sweep over ${data}`, body, style });
}

/** Wilson's 95 % interval of a trial's accuracy. */
export function intervalOf({ accuracy }: Trial, images: number): readonly [number, number] {
  return wilsonInterval(Math.max(0, accuracy) * images, images);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
