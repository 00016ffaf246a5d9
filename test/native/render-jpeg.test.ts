import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canRenderJpeg, type JpegRendering, renderJpeg, renderViews } from '@headstart/native';
import sharp, { type JpegOptions, type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { runModule } from '../util/script.ts';
import { sharedPath } from '../util/shared.ts';
import { temporaryFolder } from '../util/workspace.ts';

if (!canRenderJpeg()) console.log('skipped: the addon was compiled without libjpeg-turbo');

const native = new URL('../../packages/native/dist/index.js', import.meta.url).href;
const size = { height: 37, width: 45 };
const none = new Uint8Array(0);

/** Smooth colours with noise, so that every coefficient is in use. */
function picture(height: number, width: number): Sharp {
  const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
    const wave = 100 * Math.sin((x * (c + 1)) / 9 + y / (5 + c));
    return Math.min(255, Math.max(0, 128 + wave + ((Math.imul(i, 2654435761) >>> 24) & 31)));
  });
  return sharp(pixels, { raw: { height, width, channels: 3 } });
}

const jpeg = (height: number, width: number, options: JpegOptions = {}) =>
  picture(height, width).jpeg(options).toBuffer();

async function rendered(file: string | Uint8Array, options: Partial<JpegRendering> = {}) {
  const target = new Uint8Array(size.height * size.width * 3 * (options.views?.length ?? 1));
  const job = { file, ...size, target, maxPixels: 1e6, ignoredProfiles: none, ...options };
  return (await renderJpeg(job)) ? target : undefined;
}

/** What sharp decodes, and the same views of it. */
async function bySharp(file: Uint8Array, options: Partial<JpegRendering> = {}) {
  const image = sharp(file, { ignoreIcc: true }).toColourspace('srgb').raw();
  const { data, info } = await image.toBuffer({ resolveWithObject: true });
  const pixels =
    info.channels === 3
      ? data
      : Uint8Array.from({ length: data.length * 3 }, (_, i) => data[Math.floor(i / 3)] as number);
  const target = new Uint8Array(size.height * size.width * 3 * (options.views?.length ?? 1));
  await renderViews({ pixels, source: info, ...size, target, ...options });
  return target;
}

describe.skipIf(!canRenderJpeg())('A plain JPEG file', () => {
  const sizes = [
    [1, 1],
    [2, 3],
    [8, 16],
    [17, 31],
    [64, 65],
    [100, 147],
  ] as const;
  const ways: [string, JpegOptions][] = [
    ['4:2:0', {}],
    ['4:4:4', { chromaSubsampling: '4:4:4' }],
    ['low quality', { quality: 12 }],
    ['the best quality', { quality: 100, chromaSubsampling: '4:2:0' }],
  ];

  it.each(ways)('gives the pixels of sharp: %s', async (_, options) => {
    for (const [height, width] of sizes) {
      const file = await jpeg(height, width, options);
      expect(await rendered(file), `${height}x${width}`).toEqual(await bySharp(file));
    }
  });

  it('in gray gives three equal channels, as sharp', async () => {
    const file = await picture(50, 61).toColourspace('b-w').jpeg().toBuffer();
    expect(await rendered(file)).toEqual(await bySharp(file));
  });

  it('gives the pixels of sharp for 300 photographs', async ({ skip }) => {
    const folder = sharedPath('data/flowers/train');
    if (!folder) return skip();
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.jpg'))
      .slice(0, 300);
    let plain = 0;
    const large = { height: 224, width: 224 };
    for (const path of paths) {
      const file = readFileSync(join(folder, path));
      const target = new Uint8Array(224 * 224 * 3);
      const views = { ...large, target };
      const own = await rendered(file, { ...views, ignoredProfiles: 'all' });
      if (!own) continue;
      plain++;
      const theirs = new Uint8Array(target.length);
      const image = sharp(file, { ignoreIcc: true }).toColourspace('srgb').raw();
      const { data: pixels, info: source } = await image.toBuffer({ resolveWithObject: true });
      await renderViews({ pixels, source, ...large, target: theirs });
      expect(Buffer.compare(target, theirs), path).toBe(0);
    }
    expect(plain).toBeGreaterThan(paths.length / 2);
  });

  it('gives all views that are asked for, with any filter', async () => {
    const file = await jpeg(90, 77);
    for (const filter of ['bilinear', 'bicubic', 'lanczos'] as const) {
      const options = { filter, views: [{ shiftX: 3.5 }, {}, { flip: true, brightness: 1.2 }] };
      expect(await rendered(file, options)).toEqual(await bySharp(file, options));
    }
  });

  it('is read from its path where it has the bytes that are expected', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'picture ä.jpg');
    const file = await jpeg(40, 40);
    writeFileSync(path, file);
    const sha256 = createHash('sha256').update(file).digest();
    expect(await rendered(path, { sha256 })).toEqual(await bySharp(file));
    expect(await rendered(path)).toEqual(await bySharp(file));
    expect(await rendered(path, { sha256: new Uint8Array(32) })).toBeUndefined();
  });

  it('is rendered many at a time, each with its own pixels', async () => {
    const files = await Promise.all(Array.from({ length: 40 }, (_, i) => jpeg(20 + i, 90 - i)));
    const all = await Promise.all(files.map((file) => rendered(file)));
    for (const [i, file] of files.entries()) expect(all[i]).toEqual(await bySharp(file));
  });
});

/** A file with a colour profile in a segment that begins otherwise than the profile's usual one. */
async function withProfileMark(mark: string): Promise<Buffer> {
  const file = await picture(40, 30).withIccProfile('p3').jpeg().toBuffer();
  file.write(mark, file.indexOf('ICC_PROFILE'), 'latin1');
  return file;
}

/** 2 x 2 gray pixels in a lossless frame (SOF3): four differences of 0 from the middle. */
const lossless = Buffer.from(
  [
    'ffd8 ffc3000b080002000201011100 ffc400140001 0000000000000000000000000000000000',
    'ffda00080101000100000f ffd9',
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);

describe('What is left to others', () => {
  const exif = (orientation: number) => picture(40, 30).withMetadata({ orientation }).jpeg();
  const cases: [string, () => Promise<Buffer>, Partial<JpegRendering>?][] = [
    ['a progressive file', () => jpeg(40, 30, { progressive: true })],
    ['CMYK', () => picture(40, 30).toColourspace('cmyk').jpeg().toBuffer()],
    ['a picture to be turned', () => exif(6).toBuffer(), { ignoredProfiles: 'all' }],
    ['a picture to be mirrored', () => exif(2).toBuffer(), { ignoredProfiles: 'all' }],
    ['a profile that is not known', () => picture(40, 30).withIccProfile('p3').jpeg().toBuffer()],
    ['a profile whose mark has no zero', () => withProfileMark('ICC_PROFILE\x01\x01\x01')],
    ['a profile in two segments', () => withProfileMark('ICC_PROFILE\0\x01\x02')],
    ['a lossless file', async () => lossless],
    ['a picture of more pixels', () => jpeg(40, 30), { maxPixels: 1199 }],
    ['a picture four times as large', () => jpeg(200, 180)],
    ['a PNG file', () => picture(40, 30).png().toBuffer()],
    ['nothing', async () => Buffer.alloc(0)],
    ['two bytes', async () => Buffer.from([0xff, 0xd8])],
    ['a file that is cut off', async () => (await jpeg(40, 30)).subarray(0, 600)],
    ['a file without its end mark', async () => (await jpeg(40, 30)).subarray(0, -2)],
    [
      'a second scan',
      async () => {
        const file = await jpeg(40, 30);
        const scan = file.lastIndexOf(Buffer.from([0xff, 0xda]));
        return Buffer.concat([file.subarray(0, -2), file.subarray(scan)]);
      },
    ],
  ];

  it.each(cases)('%s', async (_, file, options) => {
    expect(await rendered(await file(), options)).toBeUndefined();
  });

  it('a path where there is no regular file', async () => {
    await using folder = await temporaryFolder();
    expect(await rendered(folder.path)).toBeUndefined();
    expect(await rendered(join(folder.path, 'missing.jpg'))).toBeUndefined();
    expect(await rendered('/dev/zero')).toBeUndefined();
  });

  it.skipIf(!canRenderJpeg())(
    'but an upright picture, and a profile that is to be ignored',
    async () => {
      const upright = await exif(1).toBuffer();
      expect(await rendered(upright, { ignoredProfiles: 'all' })).toEqual(await bySharp(upright));
      const file = await picture(40, 30).withIccProfile('p3').jpeg().toBuffer();
      const profile = (await sharp(file).metadata()).icc as Buffer;
      const digest = createHash('sha256').update(profile).digest();
      const ignoredProfiles = Buffer.concat([Buffer.alloc(32, 7), digest]);
      for (const ignored of [ignoredProfiles, 'all'] as const) {
        expect(await rendered(file, { ignoredProfiles: ignored })).toEqual(await bySharp(file));
      }
    },
  );

  it('and damaged files: what is rendered is what sharp decodes', async () => {
    const file = await jpeg(60, 70);
    let state = 12345;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 400; i++) {
      const damaged = Buffer.from(file);
      for (let k = 0; k <= i % 3; k++) damaged[random(i % 2 ? file.length : 700)] = random(256);
      const own = await rendered(i % 5 === 0 ? damaged.subarray(0, random(file.length)) : damaged);
      if (own) expect(own, String(i)).toEqual(await bySharp(damaged));
    }
  });
});

describe('renderJpeg', () => {
  it.each([
    ['file', { file: 5 as unknown as string }],
    ['file', { file: '' }],
    ['sha256', { sha256: new Uint8Array(31) }],
    ['maxPixels', { maxPixels: 0 }],
    ['ignoredProfiles', { ignoredProfiles: new Uint8Array(33) }],
    ['target', { target: new Uint8Array(5) }],
    ['views', { views: [] }],
  ])('refuses a wrong %s', async (name, options) => {
    const job = { file: 'x.jpg', ...size, target: new Uint8Array(size.height * size.width * 3) };
    const call = renderJpeg({ ...job, maxPixels: 10, ignoredProfiles: none, ...options });
    await expect(call).rejects.toMatchObject({ name: 'NativeError', code: 'INVALID_ARGUMENT' });
    await expect(call).rejects.toThrow(name);
  });

  /** Begins to render 300 pictures. */
  const begin = (path: string) => `
    import { renderJpeg } from ${JSON.stringify(native)};
    const job = { height: 224, width: 224, maxPixels: 1e6, ignoredProfiles: new Uint8Array(0) };
    const all = Array.from({ length: 300 }, () =>
      renderJpeg({ ...job, target: new Uint8Array(224 * 224 * 3), file: ${JSON.stringify(path)} }));
  `;
  const inWorker = (script: string) => `
    import { Worker } from 'node:worker_threads';
    const script = ${JSON.stringify(script)};
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(script)));
    worker.on('error', (error) => { console.log(error); });
    worker.once('message', async () => {
      await worker.terminate();
      process.exitCode = 7;
    });
  `;

  it('keeps the process until all is done, and no longer', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'picture.jpg');
    writeFileSync(path, await jpeg(500, 600));
    const script = `${begin(path)} Promise.all(all).then((done) => console.log(new Set(done)));`;
    const stdout = `Set(1) { ${canRenderJpeg()} }\n`;
    expect(await runModule(script)).toEqual({ code: 0, signal: null, stdout });
  });

  it('leaves nothing behind where its process or worker ends meanwhile', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'picture.jpg');
    writeFileSync(path, await jpeg(500, 600));
    const ended = { code: 7, signal: null, stdout: '' };
    expect(await runModule(`${begin(path)} all[3].then(() => process.exit(7));`)).toEqual(ended);
    const worker = `${begin(path)}
      import { parentPort } from 'node:worker_threads';
      all[3].then(() => parentPort.postMessage('running'));`;
    expect(await runModule(inWorker(worker))).toEqual(ended);
  });
});
