import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { HeadstartError } from '@headstart/core';
import { glob, isDynamicPattern } from 'tinyglobby';

const imagePattern = '**/*.{jpg,jpeg,png,webp,gif,tif,tiff,avif}';

/**
 * The image files that arguments name, in order: a file as it is, a folder's images by name, a
 * glob's matches by name, and for `-` one path a line from `lines`. Files named one by one are
 * not looked at here: what cannot be read is reported where it is read.
 *
 * @throws HeadstartError `USAGE` for a folder or glob without images
 */
export async function* expandInputs(
  inputs: readonly string[],
  lines: NodeJS.ReadableStream = process.stdin,
): AsyncGenerator<string> {
  for (const input of inputs) {
    if (input === '-') {
      for await (const line of createInterface({ input: lines })) {
        if (line.trim() !== '') yield line;
      }
    } else {
      yield* await filesOf(input);
    }
  }
}

async function filesOf(input: string): Promise<readonly string[]> {
  const found = await stat(input).catch(() => undefined);
  if (found?.isDirectory()) {
    const files = await matches(imagePattern, input);
    if (files.length > 0) return files;
    throw new HeadstartError('USAGE', `There is no image in the folder ${input}.`);
  }
  if (found || !isDynamicPattern(input)) return [input];
  const files = await matches(input);
  if (files.length > 0) return files;
  throw new HeadstartError('USAGE', `No file matches ${input}.`);
}

async function matches(pattern: string, folder?: string): Promise<string[]> {
  const options = { caseSensitiveMatch: false, expandDirectories: false, onlyFiles: true };
  const files = await glob(pattern, { ...options, ...(folder ? { cwd: folder } : {}) });
  files.sort();
  return folder ? files.map((file) => `${folder.replace(/[/\\]+$/, '')}/${file}`) : files;
}
