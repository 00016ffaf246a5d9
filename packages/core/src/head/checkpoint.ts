import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import type { Tensor } from '@headstart/native';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from '../base/safetensors.ts';
import type { EarlyStoppingState } from './early-stopping.ts';
import type { EpochRecord } from './history.ts';
import type { PlateauState } from './learning-rate.ts';
import { type HeadWeights, tensorBytes } from './weights.ts';

/** One head's part of a run, but for what the trainer holds. */
export interface HeadState {
  readonly history: readonly EpochRecord[];
  readonly earlyStopping: EarlyStoppingState;
  readonly plateau: PlateauState;
  /** The learning rate that its schedule goes on from. */
  readonly rate: number;
  /** It is trained no more: early stopping has ended it, or what `ended` names. */
  readonly stopped: boolean;
  readonly ended?: 'pruning' | 'divergence' | undefined;
  readonly bestWeights: HeadWeights;
}

/** What the trainer holds of one head. */
export interface ResumableHead {
  readonly weights: HeadWeights;
  /** Moments by tensor name and the number of steps taken. */
  readonly optimizer: { readonly step: number; readonly m: HeadWeights; readonly v: HeadWeights };
}

/** Everything that the rest of a run depends on, as it is at the end of an epoch. */
export interface TrainingState {
  /** Epochs done; the schedules' places follow from it. */
  readonly epochsDone: number;
  readonly heads: readonly HeadState[];
  /** One a head; only where there is a checkpoint to write them to. */
  readonly resumable: readonly ResumableHead[] | undefined;
}

/** What a run was started with, by the user's word for it: a digest of each part. */
export type Fingerprint = Readonly<Record<string, string>>;

const format = 'headstart-checkpoint-2';

/** Tensors are named `head:group:name`. */
type Group = 'weights' | 'm' | 'v' | 'best';

/** As it stands in the metadata. */
interface WrittenState {
  readonly epochsDone: number;
  readonly heads: readonly (Omit<HeadState, 'bestWeights'> & { readonly step: number })[];
}

/** JSON has no word for the losses of a head that diverged: they are written as strings. */
const unwritable: ReadonlyMap<unknown, number> = new Map(
  [Number.NaN, Infinity, -Infinity].map((value) => [String(value), value]),
);

function writeNumber(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function readNumber(_: string, value: unknown): unknown {
  return unwritable.get(value) ?? value;
}

/** Digests of the parts; equal parts have equal digests in every run. */
export function fingerprintOf(parts: Readonly<Record<string, unknown>>): Fingerprint {
  const digest = (part: unknown) =>
    createHash('sha256')
      .update(part instanceof Uint8Array ? part : JSON.stringify(part))
      .digest('hex');
  return Object.fromEntries(
    Object.entries(parts)
      .filter(([, part]) => part !== undefined)
      .map(([name, part]) => [name, digest(part)]),
  );
}

/** @throws HeadstartError `OUTPUT_UNWRITABLE` */
export async function writeCheckpoint(
  path: string,
  fingerprint: Fingerprint,
  state: TrainingState,
): Promise<void> {
  const { resumable } = state;
  if (!resumable) throw new HeadstartError('INTERNAL', 'There is no state to be written down.');
  const tensors: Record<string, TensorToWrite> = {};
  const put = (head: number, group: Group, values: HeadWeights) => {
    for (const [name, tensor] of Object.entries(values)) {
      tensors[`${head}:${group}:${name}`] = tensorBytes(tensor);
    }
  };
  const heads = state.heads.map(({ bestWeights, ...rest }, head) => {
    const { weights, optimizer } = resumable[head] as ResumableHead;
    put(head, 'weights', weights);
    put(head, 'm', optimizer.m);
    put(head, 'v', optimizer.v);
    put(head, 'best', bestWeights);
    return { ...rest, step: optimizer.step };
  });
  await writeSafetensors(path, tensors, {
    format,
    fingerprint: JSON.stringify(fingerprint),
    state: JSON.stringify({ epochsDone: state.epochsDone, heads }, writeNumber),
  });
}

/**
 * Reads a checkpoint of the run that `fingerprint` is of; undefined where there is none.
 *
 * @throws HeadstartError `USAGE` where the checkpoint is of a run with other options or data,
 *   naming what differs; `RUN_INVALID` where the file is not a checkpoint
 */
export async function readCheckpoint(
  path: string,
  fingerprint: Fingerprint,
): Promise<TrainingState | undefined> {
  try {
    await access(path);
  } catch {
    return undefined;
  }
  try {
    await using file = await SafetensorsFile.open(path);
    const { metadata } = file.header;
    if (metadata?.format !== format) throw new Error('it is another kind of file');
    checkFingerprint(path, JSON.parse(metadata.fingerprint as string), fingerprint);
    const { epochsDone, heads } = JSON.parse(metadata.state as string, readNumber) as WrittenState;
    const groups = await readGroups(file, heads.length);
    return {
      epochsDone,
      heads: heads.map(({ step: _, ...rest }, i) => ({
        ...rest,
        bestWeights: (groups[i] as Groups).best,
      })),
      resumable: heads.map(({ step }, i) => {
        const { weights, m, v } = groups[i] as Groups;
        return { weights, optimizer: { step, m, v } };
      }),
    };
  } catch (error) {
    if (error instanceof HeadstartError && error.code === 'USAGE') throw error;
    throw new HeadstartError(
      'RUN_INVALID',
      `Cannot resume from ${path}: ${reasonOf(error)}. Delete it or start without resuming.`,
      { cause: error },
    );
  }
}

function checkFingerprint(path: string, stored: Fingerprint, wanted: Fingerprint): void {
  const names = new Set([...Object.keys(stored), ...Object.keys(wanted)]);
  const differing = [...names].filter((name) => stored[name] !== wanted[name]);
  if (differing.length === 0) return;
  throw new HeadstartError(
    'USAGE',
    `The checkpoint ${path} is of a run with another ${differing.join(', ')}: ` +
      'give the options of that run, or start without resuming.',
  );
}

type Groups = Record<Group, Record<string, Tensor>>;

/** The tensors of each head. */
async function readGroups(file: SafetensorsFile, heads: number): Promise<Groups[]> {
  const result = Array.from({ length: heads }, () => ({ weights: {}, m: {}, v: {}, best: {} }));
  for (const [key, { shape, begin, end }] of file.header.tensors) {
    const [head = '', group = '', ...name] = key.split(':');
    const tensors = (result[Number(head)] as Groups | undefined)?.[group as Group];
    if (!tensors) throw new Error(`its tensor ${key} belongs to no head`);
    const bytes = await file.read(begin, end);
    tensors[name.join(':')] = { shape, data: new Float32Array(bytes.buffer) };
  }
  return result;
}
