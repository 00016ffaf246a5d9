import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type PendingFile, writeFileAtomically } from '../base/atomic-file.ts';
import { digestOf } from '../weights/index.ts';
import type { RunFile } from './record.ts';

/** By file name. */
export type RunFiles = Record<string, RunFile>;

/** Writes files, each whole or not at all. */
export async function writeFiles(
  folder: string,
  files: readonly (readonly [string, string | Uint8Array | readonly Uint8Array[]])[],
): Promise<RunFiles> {
  const written = files.map(async ([name, content]) => {
    const isWhole = typeof content === 'string' || content instanceof Uint8Array;
    await writeFileAtomically(join(folder, name), isWhole ? content : inParts(content));
    return { [name]: await describeFile(join(folder, name)) };
  });
  return Object.assign({}, ...(await settled(written)));
}

function inParts(parts: readonly Uint8Array[]) {
  return async (file: PendingFile) => {
    for (const part of parts) await file.write(part);
  };
}

/** As `Promise.all`, but nothing is at work any more where one has failed. */
export async function settled<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

/** Size and SHA-256 of a file. */
export async function describeFile(path: string): Promise<RunFile> {
  return { bytes: (await stat(path)).size, sha256: await digestOf(path, 'sha256') };
}
