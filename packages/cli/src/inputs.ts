import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import {
  fetchImage,
  HeadstartError,
  type ImageInput,
  isHidden,
  isPictureName,
  reasonOf,
} from '@headstart/core';
import { glob, isDynamicPattern } from 'tinyglobby';
import { partsOf } from './text-stream.ts';

export interface InputOptions {
  readonly signal: AbortSignal;
  /** What `-` reads; default stdin. */
  readonly list?: NodeJS.ReadStream | undefined;
  /** What ends each name of the list; default a line's end. */
  readonly separator?: '\n' | '\0' | undefined;
}

/**
 * The images that arguments name, in order: a file as it is, a folder's images by name with those
 * of its folders, a glob's matches by name, a URL, and for `-` one file or URL a line. Nothing is
 * read here but folders: what cannot be read, and what names nothing, is an input whose reading
 * fails, so that it is reported in its place.
 */
export async function* expandInputs(
  inputs: readonly string[],
  { signal, list = process.stdin, separator = '\n' }: InputOptions,
): AsyncGenerator<ImageInput> {
  for (const input of inputs) {
    if (input !== '-') yield* imagesOf(input, signal);
    else for await (const name of partsOf(list, separator, signal)) yield fileOrUrl(name, signal);
  }
}

function fileOrUrl(name: string, signal: AbortSignal): ImageInput {
  if (!isUrl(name)) return name;
  return { name, read: () => fetchImage(name, { signal }) };
}

function isUrl(name: string): boolean {
  return /^(file|https?):\/\//i.test(name);
}

async function* imagesOf(input: string, signal: AbortSignal): AsyncGenerator<ImageInput> {
  const found = await stat(input).catch(() => undefined);
  if (found?.isDirectory()) {
    let count = 0;
    for await (const image of imagesIn(input.replace(/(?<=.)[/\\]+$/, ''))) {
      count++;
      yield image;
    }
    if (count === 0) yield nothing(input, 'there is no image in this folder');
  } else if (found || isUrl(input) || !isDynamicPattern(input)) {
    yield fileOrUrl(input, signal);
  } else {
    const files = await matches(input);
    if (files.length === 0) yield nothing(input, 'no file matches it');
    yield* files;
  }
}

/** Folder by folder, so that a tree of any size is never held as a whole. Links are not followed. */
async function* imagesIn(folder: string): AsyncGenerator<ImageInput> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    yield nothing(folder, `the folder cannot be read (${reasonOf(error)})`);
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (isHidden(entry.name)) continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* imagesIn(path);
    else if (isPictureName(entry.name)) yield path;
  }
}

async function matches(pattern: string): Promise<string[]> {
  const options = { caseSensitiveMatch: false, expandDirectories: false, onlyFiles: true };
  return (await glob(pattern, options)).sort();
}

/** An input in whose place a reason stands. */
function nothing(name: string, reason: string): ImageInput {
  const message = `Cannot read ${name}: ${reason}.`;
  const cause = new Error(reason);
  return {
    name,
    read: () => Promise.reject(new HeadstartError('IMAGE_UNREADABLE', message, { cause })),
  };
}
