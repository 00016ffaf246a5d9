import { spawn } from 'node:child_process';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve } from '../unit/backbone/server.ts';
import type { CliOptions } from '../util/cli.ts';
import { cliIn } from '../util/place.ts';
import { schemaErrors } from '../util/schemas.ts';
import { repositoryRoot, sharedPath } from '../util/shared.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

const classes = ['blue', 'green', 'red'];
let place: TemporaryFolder;
beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), classes, 12);
  const args = ['train', 'data', '--backbone', tinyBackbone, '--epochs', '4', '--out', 'run'];
  expect((await cliIn(place, args)).code).toBe(0);
});
afterAll(() => place[Symbol.asyncDispose]());

const predict = (args: readonly string[], options: CliOptions = {}) =>
  cliIn(place, ['predict', 'run', ...args], options);

interface Row {
  readonly file: string;
  readonly label?: string;
  readonly probability?: number;
  readonly top?: readonly { readonly label: string; readonly probability: number }[];
  readonly probabilities?: Readonly<Record<string, number>>;
  readonly error?: string;
}

/** Rows of `--format jsonl`, each as the schema has it. */
function rowsOf(stdout: string): Row[] {
  const rows = stdout.split('\n').filter(Boolean);
  return rows.map((line) => {
    const row = JSON.parse(line);
    expect(schemaErrors('predict#/$defs/row', row)).toEqual([]);
    return row;
  });
}
const filesOf = (rows: readonly Row[]) => rows.map(({ file }) => file);

describe('headstart predict', () => {
  it('gives each input its row, in order, also those that name nothing', async () => {
    await mkdir(join(place.path, 'empty'));
    await writeFile(join(place.path, 'zero.jpg'), '');
    await writeFile(join(place.path, 'photo.heic'), 'no picture');
    const inputs = ['data/red/red-00[12].png', 'empty', 'zero.jpg', 'gone.png', 'no*.png'];
    const args = [...inputs, 'photo.heic', 'data/blue/blue-001.png', '--format', 'jsonl'];
    const { code, stdout, stderr } = await predict(args);
    const rows = rowsOf(stdout);
    expect(filesOf(rows)).toEqual([
      'data/red/red-001.png',
      'data/red/red-002.png',
      ...inputs.slice(1),
      'photo.heic',
      'data/blue/blue-001.png',
    ]);
    expect(rows.map(({ error }) => error ?? '')).toEqual([
      '',
      '',
      'Cannot read empty: there is no image in this folder.',
      'Cannot read the image zero.jpg: the file is empty.',
      'Cannot read the image gone.png: there is no such file.',
      'Cannot read no*.png: no file matches it.',
      expect.stringContaining('its content is not an image format'),
      '',
    ]);
    expect(stderr).toContain('warning: 5 of 8 inputs could not be read.');
    expect(code).toBe(0);
    expect((await predict([...args, '--strict'])).code).toBe(3);
  });

  it('takes the images of a folder with those of its folders, but not what is hidden', async () => {
    const folder = join(place.path, 'tree');
    await mkdir(join(folder, 'inner/.hidden'), { recursive: true });
    const picture = join(place.path, 'data/red/red-000.png');
    const files = ['b.PNG', 'inner/a.jpeg', 'a.png', '.c.png', 'inner/.hidden/d.png', 'notes.txt'];
    for (const file of files) await copyFile(picture, join(folder, file));
    const { stdout } = await predict(['tree/', '--format', 'jsonl']);
    expect(filesOf(rowsOf(stdout))).toEqual(['tree/a.png', 'tree/b.PNG', 'tree/inner/a.jpeg']);
  });

  it.skipIf(process.platform === 'win32')('keeps names whole, whatever is in them', async () => {
    const names = ['a, "b"; c.png', 'two\nlines.png', '🍒 Kirsche.png', "it's 100 %.png"];
    const picture = join(place.path, 'data/red/red-000.png');
    for (const name of names) await copyFile(picture, join(place.path, name));
    const options = { stdin: names.map((name) => `${name}\0`).join('') };
    const lines = await predict(['-', '-0', '--format', 'jsonl'], options);
    expect(filesOf(rowsOf(lines.stdout))).toEqual(names);
    const csv = await predict([...names, '--format', 'csv']);
    const rows: Record<string, string>[] = parse(csv.stdout, { columns: true });
    expect(rows.map(({ file, error }) => [file, error])).toEqual(names.map((name) => [name, '']));
    const table = await predict(names);
    expect(table.stdout.trim().split('\n')).toHaveLength(names.length + 1);
    expect(table.stdout).toContain('two\\nlines.png');
  });

  it('reads a list of files and URLs on stdin, with the ends of lines of any system', async () => {
    const picture = join(place.path, 'data/green/green-001.png');
    const bytes = await readFile(picture);
    await using server = await serve((request, response) => {
      if (request.url === '/a.png') response.end(bytes);
      else response.writeHead(404).end();
    });
    const names = ['data/green/green-001.png', pathToFileURL(picture).href, `${server.url}/a.png`];
    const stdin = `${names.join('\r\n')}\n\n${server.url}/b.png`;
    const { code, stdout } = await predict(['-', '--format', 'jsonl'], { stdin });
    const rows = rowsOf(stdout);
    expect(filesOf(rows)).toEqual([...names, `${server.url}/b.png`]);
    expect(rows[1]?.probability).toBe(rows[0]?.probability);
    expect(rows[2]?.probability).toBe(rows[0]?.probability);
    expect(rows[3]?.error).toContain('the server answered 404 Not Found');
    expect(code).toBe(0);
  });

  it('says nothing of an empty list but that it is empty', async () => {
    const { code, stdout, stderr } = await predict(['-', '--json']);
    expect(JSON.parse(stdout)).toEqual([]);
    expect(stderr).toContain('warning: the list was empty');
    expect(code).toBe(0);
  });

  it.skipIf(process.platform !== 'linux')('says of a name that it is not UTF-8', async () => {
    const odd = Buffer.from([...Buffer.from(join(place.path, 'odd/caf')), 0xe9]);
    await mkdir(join(place.path, 'odd'));
    await copyFile(
      join(place.path, 'data/red/red-000.png'),
      Buffer.concat([odd, Buffer.from('.png')]),
    );
    const { code, stdout } = await predict(['odd', '--json']);
    expect(JSON.stringify(JSON.parse(stdout)[0].error)).toContain(
      'its name is not UTF-8: rename it',
    );
    expect(code).toBe(1);
  });

  it('ends with 1 where nothing could be read', async () => {
    const { code, stderr } = await predict(['gone.png', 'zero.jpg']);
    expect(stderr).toContain('error: none of the 2 inputs could be read.');
    expect(code).toBe(1);
  });

  it('gives all probabilities, and "unknown" below the threshold', async () => {
    const args = ['data/red/red-003.png', '--probabilities', 'all', '--topk', '1'];
    const sure = JSON.parse((await predict([...args, '--json'])).stdout) as Row[];
    const { label, probability, probabilities, top } = sure[0]!;
    expect(Object.keys(probabilities!)).toEqual(classes);
    expect(Object.values(probabilities!).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(top).toEqual([{ label, probability }]);
    expect(probabilities![label!]).toBe(probability);
    const strict = await predict([...args, '--json', '--threshold', '0.999']);
    expect(JSON.parse(strict.stdout)).toEqual([{ ...sure[0], label: 'unknown' }]);
    const csv = await predict([...args, '--format', 'csv', '--threshold', '0.999']);
    const [row] = parse(csv.stdout, { columns: true }) as Record<string, string>[];
    expect(row).toMatchObject({ label: 'unknown', label_1: label });
    expect(Number(row?.p_red)).toBeCloseTo(probabilities!.red!, 5);
  });

  it.each([
    [[], 'Name what to label'],
    [['x.png', '--json', '--format', 'csv'], 'leave it out for --format csv'],
    [['--watch', 'run/run.json'], 'is a file: give --watch a folder'],
    [['--watch', 'nowhere'], 'Cannot watch the folder nowhere'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await predict(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  const bombs = sharedPath('data/awkward/huge');
  it.skipIf(!bombs)('refuses pictures of too many pixels in their rows', async () => {
    const { code, stdout } = await predict([bombs!, 'data/red/red-001.png', '--format', 'jsonl']);
    const rows = rowsOf(stdout);
    expect(rows.slice(0, -1).filter(({ error }) => error?.includes('pixels'))).not.toEqual([]);
    expect(rows.at(-1)?.error).toBeUndefined();
    expect(code).toBe(0);
  });
});

describe('headstart predict --watch', () => {
  it('labels what comes into the folder when it is complete, until it is interrupted', async () => {
    const inbox = join(place.path, 'inbox');
    await mkdir(inbox);
    const picture = (name: string) => join(place.path, `data/${name}.png`);
    await copyFile(picture('red/red-001'), join(inbox, 'old.png'));
    let began = false;
    const arrive = async () => {
      const bytes = await readFile(picture('green/green-001'));
      await writeFile(join(inbox, 'slow.png'), bytes.subarray(0, 200));
      await copyFile(picture('blue/blue-001'), join(inbox, '.part'));
      await rename(join(inbox, '.part'), join(inbox, 'moved.png'));
      await writeFile(join(inbox, 'notes.txt'), 'not for us');
      await new Promise((resolve) => setTimeout(resolve, 300));
      await writeFile(join(inbox, 'slow.png'), bytes);
    };
    const args = ['data/red/red-000.png', '--watch', 'inbox', '--format', 'jsonl'];
    const { code, stdout, stderr } = await predict(args, {
      stdinStaysOpen: true,
      interruptWhen: (said, rows) => {
        if (!began && said.includes('Watching inbox')) {
          began = true;
          void arrive();
        }
        return rows.trim().split('\n').length === 3;
      },
    });
    const rows = rowsOf(stdout);
    expect(rows[0]?.file).toBe('data/red/red-000.png');
    expect(filesOf(rows.slice(1)).sort()).toEqual(['inbox/moved.png', 'inbox/slow.png']);
    expect(rows.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    expect(stderr).toContain('Interrupted after 3 images.');
    expect(code).toBe(130);
  });
});

describe('headstart predict that does not come to its end', () => {
  it('ends at once while stdin is silent, with a whole document', async () => {
    const { code, stdout } = await predict(['-', '--json'], {
      stdin: 'data/red/red-000.png\n',
      stdinStaysOpen: true,
      interruptWhen: (_stderr, rows) => rows.includes('red-000.png'),
    });
    const rows = JSON.parse(stdout);
    expect(rows).toHaveLength(2);
    expect(rows[1].error).toEqual({ code: 'INTERRUPTED', message: 'Interrupted after 1 image.' });
    expect(code).toBe(130);
  });

  it.skipIf(process.platform === 'win32')('ends quietly where nobody reads on', async () => {
    const list = 'data/red/red-000.png\n'.repeat(3000);
    const program = join(repositoryRoot, 'packages/cli/bin/headstart.js');
    const shell = `"${process.execPath}" "${program}" predict run - --format csv --quiet | head -n 2`;
    const child = spawn('bash', ['-c', `set -o pipefail; ${shell}`], { cwd: place.path });
    child.stdin.on('error', () => {});
    child.stdin.end(list);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(stdout.trim().split('\n')).toHaveLength(2);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});
