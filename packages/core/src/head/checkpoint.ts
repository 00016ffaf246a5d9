import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import type { Tensor } from '@headstart/native';
import { HeadstartError, reasonOf } from '../errors.ts';
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from '../safetensors.ts';
import type { EarlyStoppingState } from './early-stopping.ts';
import type { EpochRecord } from './history.ts';
import { type HeadWeights, tensorBytes } from './weights.ts';

/** Everything that the rest of a run depends on, as it is at the end of an epoch. */
export interface TrainingState {
  /** Epochs done; the schedule's place follows from it. */
  readonly epochsDone: number;
  readonly history: readonly EpochRecord[];
  readonly earlyStopping: EarlyStoppingState;
  /** Early stopping has ended the run. */
  readonly stopped: boolean;
  readonly weights: HeadWeights;
  /** Adam's: moments by tensor name and the number of steps taken. */
  readonly optimizer: { readonly step: number; readonly m: HeadWeights; readonly v: HeadWeights };
  readonly bestWeights: HeadWeights;
}

/** What a run was started with, by the user's word for it: a digest of each part. */
export type Fingerprint = Readonly<Record<string, string>>;

const format = 'headstart-checkpoint-1';

/** Tensors are named `group:name`. */
type Group = 'weights' | 'm' | 'v' | 'best';

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
  const { weights, optimizer, bestWeights, ...rest } = state;
  const tensors: Record<string, TensorToWrite> = {};
  const put = (group: Group, values: HeadWeights) => {
    for (const [name, tensor] of Object.entries(values)) {
      tensors[`${group}:${name}`] = tensorBytes(tensor);
    }
  };
  put('weights', weights);
  put('m', optimizer.m);
  put('v', optimizer.v);
  put('best', bestWeights);
  await writeSafetensors(path, tensors, {
    format,
    fingerprint: JSON.stringify(fingerprint),
    state: JSON.stringify({ ...rest, step: optimizer.step }),
  });
}

/**
 * Reads a checkpoint of the run that `fingerprint` is of; undefined where there is none.
 *
 * @throws HeadstartError `USAGE` where the checkpoint is of a run with other options or data,
 *   naming what differs; `RUN_INVALID` where the file is no checkpoint
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
    const { step, ...rest } = JSON.parse(metadata.state as string);
    const tensors = await readGroups(file);
    const { weights, m, v, best } = tensors;
    return { ...rest, weights, optimizer: { step, m, v }, bestWeights: best };
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

async function readGroups(file: SafetensorsFile): Promise<Record<Group, HeadWeights>> {
  const result: Record<Group, Record<string, Tensor>> = { weights: {}, m: {}, v: {}, best: {} };
  for (const [key, { shape, begin, end }] of file.header.tensors) {
    const colon = key.indexOf(':');
    const group = result[key.slice(0, colon) as Group];
    const bytes = await file.read(begin, end);
    group[key.slice(colon + 1)] = { shape, data: new Float32Array(bytes.buffer) };
  }
  return result;
}
