import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { csvText } from '../base/csv.ts';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import { makeOutputFolder } from '../base/output-folder.ts';
import { readRegularText } from '../base/regular-file.ts';
import { describeHolder, lockForWork } from '../base/work-lock.ts';
import { intervalOf } from './sweep-page.ts';
import type { SweepState, Trial } from './trial.ts';

export const sweepFiles = {
  state: 'sweep.json',
  trials: 'trials.csv',
  page: 'sweep.html',
  run: 'best',
} as const;

/** What `sweep.json` holds: enough to go on. */
export interface WrittenSweep extends SweepState {
  readonly format: 'headstart-sweep-1';
  /** Of everything that decides what a trial gives. */
  readonly fingerprint: string;
  /** Spent on trials so far. */
  readonly seconds: number;
  /** The trial whose head was trained again and is in `best/`; null where none is yet. */
  readonly refit: number | null;
}

export function sweepFingerprint(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/**
 * The state of the search in a folder; a new one where there is none.
 *
 * @throws HeadstartError `USAGE` where the folder holds a search over other data or options
 */
export async function readSweep(folder: string, fingerprint: string): Promise<WrittenSweep> {
  const path = join(folder, sweepFiles.state);
  const none = { waves: [], finished: [], seconds: 0, refit: null };
  let text: string;
  try {
    text = await readRegularText(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT')
      return { format: 'headstart-sweep-1', fingerprint, ...none };
    throw new HeadstartError('USAGE', `Cannot read ${path}: ${reasonOf(error)}.`, { cause: error });
  }
  let state: Partial<WrittenSweep> | null = null;
  try {
    state = JSON.parse(text);
  } catch {
    // Said below.
  }
  const { waves, finished } = state ?? {};
  if (state?.format !== 'headstart-sweep-1' || !Array.isArray(waves) || !Array.isArray(finished)) {
    throw new HeadstartError(
      'USAGE',
      `${path} is not the state of a sweep: give another \`out\`.`,
      { option: 'out' },
    );
  }
  if (state.fingerprint === fingerprint) return state as WrittenSweep;
  throw new HeadstartError(
    'USAGE',
    `${folder} holds a sweep over other images, options or another space: give another \`out\`, or delete it.`,
    { option: 'out' },
  );
}

/** Writes the state and `trials.csv`, each whole or not at all. */
export async function writeSweep(
  folder: string,
  state: WrittenSweep,
  images: number,
): Promise<void> {
  await writeFileAtomically(join(folder, sweepFiles.state), `${JSON.stringify(state)}\n`);
  await writeFileAtomically(join(folder, sweepFiles.trials), trialsCsv(state.finished, images));
}

/**
 * Lets one process at a time search in a folder, which is made where it is not there, and goes again
 * where nothing came into it.
 *
 * @throws HeadstartError `BUSY` where another is at it, `OUTPUT_UNWRITABLE`
 */
export async function lockSweep(folder: string): Promise<AsyncDisposable> {
  const remove = await makeOutputFolder(folder);
  const lock = await lockForWork(
    join(folder, '.sweep.lock'),
    (holder, path) =>
      new HeadstartError(
        'BUSY',
        `${describeHolder(holder)} is running a sweep in ${folder}: wait for it, give another \`out\`, or, if it has ended, delete ${path}.`,
        { option: 'out' },
      ),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      await lock[Symbol.asyncDispose]();
      await remove();
    },
  };
}

/** Trials that end faster than they can be written must not wait for it. */
const pauseMs = 200;

/**
 * Writes a search's state as it grows, while trials go on: always the latest, one write at a time.
 * Dispose of it, or flush, to have the last written.
 */
export class SweepWriter implements AsyncDisposable {
  readonly #folder: string;
  readonly #images: number;
  #next: WrittenSweep | undefined;
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  readonly #hurry = new AbortController();
  /** The state that was given last. */
  last: WrittenSweep | undefined;

  constructor(folder: string, images: number) {
    this.#folder = folder;
    this.#images = images;
  }

  /** @throws what an earlier write failed with */
  write(state: WrittenSweep): void {
    if (this.#failure) throw this.#failure.error;
    this.last = state;
    this.#next = state;
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when everything is written. */
  async flush(): Promise<void> {
    this.#hurry.abort();
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hurry.abort();
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#next) {
        const state = this.#next;
        this.#next = undefined;
        await writeSweep(this.#folder, state, this.#images);
        await delay(pauseMs, undefined, { signal: this.#hurry.signal }).catch(() => {});
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#writing = undefined;
  }
}

function trialsCsv(trials: readonly Trial[], images: number): string {
  const rows = trials.map((one) => {
    const { choice: c } = one;
    const [low, high] = intervalOf(one, images);
    const options = [
      c.head,
      c.optimizer,
      c.learningRate,
      c.weightDecay,
      c.dropout,
      c.labelSmoothing,
    ];
    const more = [c.l2, c.momentum, c.classWeights];
    const reached = [one.accuracy, low, high, one.loss, one.bestEpoch, one.epochs, one.ended];
    return [one.trial, ...reached, ...options, ...more];
  });
  const reached = ['accuracy', 'interval_low', 'interval_high', 'loss', 'best_epoch', 'epochs'];
  const options = ['head', 'optimizer', 'learning_rate', 'weight_decay', 'dropout'];
  const more = ['label_smoothing', 'l2', 'momentum', 'class_weights'];
  const columns = ['trial', ...reached, 'ended', ...options, ...more];
  return csvText(rows, { header: true, columns });
}
