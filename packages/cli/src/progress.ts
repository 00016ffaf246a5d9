import type { Progress } from '@headstart/core';
import { printable } from './table.ts';

/** Where progress is drawn; `columns` is undefined off a terminal. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface ProgressDisplay {
  update(progress: Progress): void;
  /** Wipes a half-drawn line, so that another line can be printed. */
  clear(): void;
  /** Ends the stage that is being shown, leaving its last line. */
  finish(): void;
}

const redrawEveryMs = 100;
const plainLineEveryMs = 5000;
const barWidth = 24;

/** A bar that redraws itself on a terminal, a plain line now and then elsewhere. */
export function createProgressDisplay(
  stream: ProgressStream,
  now: () => number = () => performance.now(),
): ProgressDisplay {
  const live = stream.isTTY === true;
  let stage: StageClock | undefined;
  let last: Progress | undefined;
  let shown = 0;
  let drawn = false;

  const draw = (progress: Progress, clock: StageClock) => {
    const columns = live ? (stream.columns || 80) - 1 : 80;
    const line = fittingLine(progress, clock.rate(), { bar: live ? barWidth : 0, columns });
    stream.write(live ? `\r\x1b[2K${line}` : `${line}\n`);
    shown = now();
    drawn = true;
  };
  const clear = () => {
    if (live && drawn) stream.write('\r\x1b[2K');
    drawn = false;
  };
  const finish = () => {
    if (last && stage && !(last === stage.lastShown)) draw(last, stage);
    if (live && drawn) stream.write('\n');
    stage = undefined;
    last = undefined;
    drawn = false;
  };

  return {
    update(progress) {
      if (stage && stage.name !== progress.stage) finish();
      if (!stage) {
        stage = new StageClock(progress, now);
        shown = live ? 0 : now();
      }
      last = progress;
      stage.advance(progress);
      if (now() - shown >= (live ? redrawEveryMs : plainLineEveryMs)) {
        draw(progress, stage);
        stage.lastShown = progress;
      }
      if (progress.total !== undefined && progress.done >= progress.total) finish();
    },
    clear,
    finish,
  };
}

/** Measures the rate of one stage over the work that cost something (not what was cached). */
class StageClock {
  readonly name: string;
  lastShown: Progress | undefined;
  readonly #now: () => number;
  readonly #start: number;
  #worked = 0;
  #first: number;

  constructor(progress: Progress, now: () => number) {
    this.name = progress.stage;
    this.#now = now;
    this.#start = now();
    this.#first = worked(progress);
  }

  advance(progress: Progress): void {
    this.#worked = worked(progress) - this.#first;
  }

  /** Units per second, or undefined while it cannot be known. */
  rate(): number | undefined {
    const seconds = (this.#now() - this.#start) / 1000;
    return seconds > 0.05 && this.#worked > 0 ? this.#worked / seconds : undefined;
  }
}

function worked(progress: Progress): number {
  return progress.done - (progress.reused ?? 0);
}

interface LineOptions {
  /** Columns of the bar; 0: none. */
  readonly bar: number;
  readonly columns: number;
}

/** A progress line of so many columns at most: what is worth least is left out first. */
export function fittingLine(
  progress: Progress,
  rate: number | undefined,
  { bar, columns }: LineOptions,
): string {
  const bars = [bar, Math.floor(bar / 2), 0].filter((width, i) => i === 0 || width < bar);
  const { reused: _, ...plain } = progress;
  const lines = bars.map((width) => printable(progressLine(progress, rate, width)));
  lines.push(printable(progressLine(plain, rate, 0)), printable(progressLine(plain, undefined, 0)));
  const fitting = lines.find((line) => line.length <= columns) ?? (lines.at(-1) as string);
  return fitting.length <= columns ? fitting : `${fitting.slice(0, Math.max(columns - 1, 0))}…`;
}

/** One line with the state of a stage: share, count, rate and time left. */
export function progressLine(progress: Progress, rate: number | undefined, width: number): string {
  const { stage, done, total, unit, reused } = progress;
  const parts = [stage];
  if (total !== undefined && width > 0) {
    const filled = total > 0 ? Math.round((Math.min(done, total) / total) * width) : width;
    parts.push(`${'█'.repeat(filled)}${'░'.repeat(width - filled)}`);
  }
  parts.push(amount(done, unit, total));
  if (reused) parts.push(`${reused} cached`);
  if (rate !== undefined) {
    parts.push(unit === 'bytes' ? `${megabytes(rate)}/s` : `${significant(rate)} ${unit}/s`);
    if (total !== undefined && done < total) parts.push(`${duration((total - done) / rate)} left`);
  }
  return parts.join('  ');
}

function amount(done: number, unit: string, total?: number): string {
  if (unit === 'bytes') {
    return total === undefined ? megabytes(done) : `${megabytes(done)} of ${megabytes(total)}`;
  }
  const noun = (total ?? done) === 1 ? unit.replace(/s$/, '') : unit;
  return total === undefined ? `${done} ${noun}` : `${done}/${total} ${noun}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Seconds as people say them: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds < 10 ? seconds.toFixed(1) : whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
