import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateTrafficLights } from '#core/sample';
import { temporaryFolder } from '../../util/workspace.ts';

const counts = { trainPerClass: 2, validationPerClass: 1, heldOutPerClass: 1 };

describe('a folder that the sample is to be drawn into', () => {
  it.each(['train', 'validation', 'held-out'])(
    'is refused where its %s is the user’s, of which nothing is lost',
    async (name) => {
      await using place = await temporaryFolder();
      const picture = join(place.path, name, 'red', 'red-001.jpg');
      await mkdir(join(place.path, name, 'red'), { recursive: true });
      await writeFile(picture, 'the only copy');
      const drawing = generateTrafficLights({ folder: place.path, seed: 1, ...counts });
      await expect(drawing).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining(join(place.path, name)),
      });
      expect(await readFile(picture, 'utf8')).toBe('the only copy');
      expect(await readdir(place.path)).toEqual([name]);
    },
  );

  it('is refused where a sample.json in it is another program’s', async () => {
    await using place = await temporaryFolder();
    await mkdir(join(place.path, 'train'));
    await writeFile(join(place.path, 'train', 'mine.jpg'), 'the only copy');
    await writeFile(join(place.path, 'sample.json'), '{"rate": 44100}');
    const drawing = generateTrafficLights({ folder: place.path, seed: 1, ...counts });
    await expect(drawing).rejects.toMatchObject({ code: 'USAGE' });
    expect(await readdir(join(place.path, 'train'))).toEqual(['mine.jpg']);
  });

  it('is drawn anew where drawing was broken off', async () => {
    await using place = await temporaryFolder();
    const stop = new AbortController();
    const options = { folder: place.path, seed: 1, ...counts };
    const broken = generateTrafficLights({
      ...options,
      signal: stop.signal,
      onProgress: ({ done }) => {
        if (done === 3) stop.abort(new Error('enough'));
      },
    });
    await expect(broken).rejects.toThrow('enough');
    expect(await readdir(place.path)).not.toContain('sample.json');
    await generateTrafficLights(options);
    expect(await readdir(join(place.path, 'train', 'green'))).toHaveLength(2);
    expect(await readdir(place.path)).toContain('sample.json');
  });
});
