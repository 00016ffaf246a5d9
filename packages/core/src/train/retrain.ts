import { access, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Backbone } from '../backbone/index.ts';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import type { LongOperationOptions, NoticeListener } from '../base/operation.ts';
import { isAbandoned, isTemporary, temporaryBeside } from '../base/temporary-files.ts';
import { readCorrections, writeCorrections } from '../dataset/index.ts';
import {
  type ExtractorOptions,
  extractorOn,
  type OpenBackbone,
  openBackboneAndCache,
  type SampleSource,
} from '../features/index.ts';
import type { HeadSpec } from '../head/index.ts';
import { type RunRecord, runFiles } from '../run/index.ts';
import { trainOn } from './train.ts';
import type { TrainOptions, TrainSummary } from './train-options.ts';
import { openTrainingData } from './training-data.ts';

export interface RetrainOptions
  extends LongOperationOptions,
    Pick<TrainOptions, 'onEpoch' | 'onTrained'> {
  /** The run to train again; it stays as it is. */
  readonly run: string;
  readonly onNotice?: NoticeListener | undefined;
}

/**
 * Trains again as a run was trained, with its corrections file, into a new run folder
 * beside it. The backbone stays open between trainings, and features come from the cache: what is
 * left is the time of the head.
 *
 * @example
 * ```ts
 * await using retrainer = new Retrainer({ data: 'fruit', backbone: 'vgg16' });
 * const { run } = await retrainer.train({ run: 'runs/fruit' });
 * ```
 */
export class Retrainer implements AsyncDisposable {
  readonly #options: TrainOptions;
  readonly #given: Backbone | undefined;
  #open: Promise<OpenBackbone> | undefined;

  /**
   * @param options how the first run was trained
   * @param open a backbone that is shared where it is the run's own, so that no other is opened
   */
  constructor(options: TrainOptions, open?: Backbone) {
    this.#options = options;
    this.#given = open;
  }

  /**
   * Copies the corrections into the new run's folder, and trains into it. Where it fails or is
   * aborted, no new folder is left; the next training removes what a killed process has left.
   *
   * @throws HeadstartError as {@link train}; `signal.reason` where aborted
   */
  async train({ run, ...hooks }: RetrainOptions): Promise<TrainSummary> {
    const [corrections, out] = [await correctionsOf(run), await folderBeside(run)];
    const kept = corrections && join(out, runFiles.corrections);
    const options = { ...this.#options, ...hooks, out };
    const mark = temporaryBeside(join(out, markName));
    try {
      await writeFile(mark, '');
      if (kept) await writeCorrections(kept, corrections.byHash.values());
      return await trainOn((settings) => openTrainingData(settings, this.#extractor), {
        ...options,
        corrections: corrections?.path ?? options.corrections,
        recordedArguments: {
          ...options.recordedArguments,
          out,
          ...(kept ? { corrections: kept } : {}),
        },
      });
    } catch (error) {
      await rm(out, { recursive: true, force: true });
      throw error;
    } finally {
      await rm(mark, { force: true }).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await (await open?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }

  /** On a backbone that stays open from one training to the next; what failed is tried again. */
  readonly #extractor = async (options: ExtractorOptions, source: SampleSource) => {
    this.#open ??= openBackboneAndCache(options, source, this.#given);
    try {
      return extractorOn(await this.#open, options);
    } catch (error) {
      this.#open = undefined;
      throw error;
    }
  };
}

/**
 * The layers of a run's head, for another head of the same kind.
 *
 * @example
 * ```ts
 * const { record } = await readRun('runs/fruit');
 * const head = headOfRun(record);
 * ```
 */
export function headOfRun({ head }: Pick<RunRecord, 'head'>): HeadSpec {
  return { name: head.name, layers: head.layers };
}

/** @throws HeadstartError `CORRECTIONS_INVALID` */
async function correctionsOf(run: string) {
  const path = join(run, runFiles.corrections);
  return (await exists(path)) ? readCorrections(path) : undefined;
}

/** Makes `run-2`, `run-3`, …: the first that is not there, so that nobody else takes it. */
async function folderBeside(run: string): Promise<string> {
  // `runs/fruit/` and `.` name a folder by other than its name.
  const named = /(^|[\\/])\.{0,2}$/.test(run) ? resolve(run) : run;
  const [, first] = /^(.*[^\\/])-\d+$/.exec(named) ?? [];
  const base = first !== undefined && (await exists(first)) ? first : named;
  for (let i = 2; i < 10_000; i++) {
    const folder = `${base}-${i}`;
    await removeLeft(folder);
    if (await makeNew(folder)) return folder;
  }
  throw new HeadstartError('OUTPUT_UNWRITABLE', `There are too many runs beside ${run}.`);
}

/** What stands in a new run's folder until the run is complete. */
const markName = 'training';

/**
 * Removes a folder that a killed process has left here without a run in it. One without a mark is
 * somebody else's, such as an interrupted training with its checkpoint.
 */
async function removeLeft(folder: string): Promise<void> {
  const names: string[] = await readdir(folder).catch(() => []);
  const isMark = (name: string) => isTemporary(name, markName) && isAbandoned(name);
  const isLeft = names.some(isMark) && !names.includes(runFiles.record);
  if (isLeft) await rm(folder, { recursive: true, force: true });
}

/** @returns whether it was not there before */
async function makeNew(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw new HeadstartError(
      'OUTPUT_UNWRITABLE',
      `Cannot make the run folder ${folder}: ${reasonOf(error)}.`,
      { cause: error },
    );
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
