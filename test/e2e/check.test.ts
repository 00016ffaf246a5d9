import { copyFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliIn } from '../util/place.ts';
import { sharedPath } from '../util/shared.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';

let place: TemporaryFolder;
beforeAll(async () => {
  place = await temporaryFolder();
});
afterAll(() => place[Symbol.asyncDispose]());

async function check(...args: string[]) {
  const { code, stdout, stderr } = await cliIn(place, ['check', ...args, '--json']);
  expect(stderr).not.toContain('error:');
  return { code, report: JSON.parse(stdout) };
}

type Group = { exact: boolean; files: { name: string }[] };
const names = (groups: readonly Group[]) =>
  groups.map(({ exact, files }) => [exact, ...files.map(({ name }) => name)]);

const flowers = sharedPath('data/flowers');

describe.skipIf(!flowers)('Real photographs', () => {
  it('have no fault that is found, and then each that is put in, and nothing else', async () => {
    const data = join(place.path, 'flowers');
    for (const part of ['train', 'test']) {
      for (const name of ['daisy', 'roses', 'tulips']) {
        await cp(join(flowers ?? '', part, name), join(data, part, name), { recursive: true });
      }
    }
    const sound = (await check('flowers')).report;
    const { conflicts, leaks, duplicates, unreadable, misnamed, warnings } = sound;
    expect({ conflicts, leaks, duplicates, unreadable, misnamed, warnings }).toEqual({
      conflicts: [],
      leaks: [],
      duplicates: [],
      unreadable: [],
      misnamed: [],
      warnings: [],
    });

    const daisies = (await readdir(join(data, 'train/daisy'))).sort();
    const daisy = (i: number) => join(data, 'train/daisy', daisies[i] as string);
    const to = (name: string) => join(data, name);
    await copyFile(daisy(0), to('test/daisy/leak.jpg'));
    await sharp(daisy(1)).resize(150).jpeg({ quality: 60 }).toFile(to('test/daisy/near leak.jpg'));
    await copyFile(daisy(2), to('train/daisy/twice.jpg'));
    await sharp(daisy(3)).webp({ quality: 60 }).toFile(to('train/daisy/near twice.webp'));
    await copyFile(daisy(4), to('train/roses/two classes.jpg'));
    await sharp(to(`train/tulips/${(await readdir(to('train/tulips')))[0]}`))
      .resize(40, 40)
      .flop()
      .rotate(90)
      .png()
      .toFile(to('train/tulips/is a png.jpg'));
    const bytes = await readFile(daisy(6));
    await writeFile(to('train/roses/cut off.jpg'), bytes.subarray(0, bytes.length / 2));
    await writeFile(to('train/roses/empty.jpg'), '');

    const { report, code } = await check('flowers', '--strict', '--html', 'check.html');
    expect(code).toBe(3);
    expect(names(report.leaks)).toEqual([
      [true, `train/daisy/${daisies[0]}`, 'test/daisy/leak.jpg'],
      [false, 'test/daisy/near leak.jpg', `train/daisy/${daisies[1]}`],
    ]);
    expect(names(report.duplicates)).toEqual([
      [true, `train/daisy/${daisies[2]}`, 'train/daisy/twice.jpg'],
      [false, ...[`train/daisy/${daisies[3]}`, 'train/daisy/near twice.webp'].sort()],
    ]);
    expect(names(report.conflicts)).toEqual([
      [true, `train/daisy/${daisies[4]}`, 'train/roses/two classes.jpg'],
    ]);
    expect(report.misnamed).toEqual([
      { name: 'train/tulips/is a png.jpg', extension: '.jpg', content: 'png' },
    ]);
    expect(report.unreadable).toEqual([
      {
        path: to('train/roses/cut off.jpg'),
        reason: 'it is damaged, cut off, or of an unusual kind that cannot be decoded',
      },
      { path: to('train/roses/empty.jpg'), reason: 'the file is empty' },
    ]);
    const page = await readFile(join(place.path, 'check.html'), 'utf8');
    for (const group of [...report.leaks, ...report.duplicates, ...report.conflicts] as Group[]) {
      for (const { name } of group.files) expect(page).toContain(`alt="${name}"`);
    }
    expect(page).toContain('data:image/jpeg;base64,');
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
  });
});

const awkward = sharedPath('data/awkward');

describe.skipIf(!awkward)('Files that break readers', () => {
  it('are read or refused with a reason, bombs too, in bounded memory', async () => {
    const folders = await readdir(awkward ?? '', { withFileTypes: true });
    let count = 0;
    for (const folder of folders.filter((entry) => entry.isDirectory())) {
      for (const file of await readdir(join(awkward ?? '', folder.name))) {
        const target = join(place.path, 'awkward', count++ % 2 ? 'odd' : 'even');
        await mkdir(target, { recursive: true });
        await copyFile(
          join(awkward ?? '', folder.name, file),
          join(target, `${folder.name} ${file}`),
        );
      }
    }
    const { code, report } = await check('awkward');
    expect(code).toBe(0);
    const reasons = new Map<string, string>(
      report.unreadable.map(({ path, reason }: { path: string; reason: string }) => [
        path.replace(/.*(odd|even)\//, ''),
        reason,
      ]),
    );
    const readable = report.classes.reduce(
      (sum: number, c: { images: number }) => sum + c.images,
      0,
    );
    expect(readable + reasons.size).toBe(count);
    for (const bomb of ['huge sharp-65536-uint32-limit.png', 'huge sharp-giant-image.jpg']) {
      expect(reasons.get(bomb)).toBe('it has more than 100000000 pixels');
    }
    expect(reasons.get('jpeg-corrupt jd-empty.jpg')).toBe('the file is empty');
    expect(reasons.get('png-corrupt pillow-broken.png')).toBe('its header is damaged');
    // The same portrait in eight orientations, upright when read.
    const turned = report.traits.find(({ kind }: { kind: string }) => kind === 'turned');
    expect(turned.count).toBeGreaterThanOrEqual(28);
    const alike = [...report.conflicts, ...report.duplicates] as Group[];
    const portraits = new Set(
      alike.flatMap(({ files }) => files.map(({ name }) => /Portrait_\d/.exec(name)?.[0])),
    );
    portraits.delete(undefined);
    expect(portraits.size).toBe(8);
  });
});
