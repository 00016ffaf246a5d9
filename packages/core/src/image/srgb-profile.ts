import { hash } from 'node:crypto';
import { imageFormat } from './format.ts';
import { sharp } from './libvips.ts';

/** A JPEG segment has 64 KiB at most; larger profiles, in several, are taken for others. */
const mostBytes = 60_000;

/** Of 255. Rounding alone makes one. */
const mostLevels = 2;

/** Profiles that are remembered: there are few, in many pictures. */
const mostRemembered = 1000;

/** Where a colour profile may stand in a file that is not a JPEG: before its pixels. */
const headBytes = 4096;

/** Whether an image file has an embedded RGB profile that leaves colours nearly as they are. */
export async function hasSrgbProfile(input: Uint8Array): Promise<boolean> {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length);
  if (imageFormat(input) === 'jpeg') {
    const profile = jpegProfile(bytes);
    return profile !== undefined && isNearlySrgb(profile);
  }
  const head = bytes.toString('latin1', 0, headBytes);
  if (!head.includes('iCCP') && !head.includes('ICCP')) return false;
  const { space, icc } = await sharp(input).metadata();
  return space === 'srgb' && icc !== undefined && isNearlySrgb(icc);
}

/**
 * The profile of a JPEG of three components that has it in one segment (ICC.1, annex B.4), before its
 * pixels. Any number of 0xff may stand before a segment.
 */
function jpegProfile(jpeg: Buffer): Buffer | undefined {
  const mark = 'ICC_PROFILE\0\x01\x01';
  let [profile, components]: [Buffer | undefined, number | undefined] = [undefined, undefined];
  for (let at = 2; at + 4 <= jpeg.length && jpeg[at] === 0xff; ) {
    if (jpeg[at + 1] === 0xff) {
      at++;
      continue;
    }
    const [marker, end] = [jpeg[at + 1] as number, at + 2 + jpeg.readUInt16BE(at + 2)];
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) components = jpeg[at + 9];
    if (marker === 0xda) return components === 3 ? profile : undefined;
    if (marker === 0xe2 && jpeg.toString('latin1', at + 4, at + 18) === mark) {
      profile = jpeg.subarray(at + 18, end);
    }
    at = end;
  }
  return undefined;
}

const known = new Map<string, Promise<boolean>>();

/** Of those that are nearly sRGB; most pictures have one of a few. */
const mostListed = 32;
let listed = new Uint8Array(0);

/** SHA-256 digests of the profiles that were found to be nearly sRGB, one after another. */
export function srgbProfiles(): Uint8Array {
  return listed;
}

/**
 * Whether an embedded RGB profile leaves colours as they are, within 2 of 255 levels. Applying one
 * costs libvips more than decoding a small picture, and most are sRGB, so it is found out once for
 * each profile: by what it makes of 512 colours.
 */
export function isNearlySrgb(profile: Uint8Array): Promise<boolean> {
  if (profile.length > mostBytes) return Promise.resolve(false);
  const digest = hash('sha256', profile);
  const answer = known.get(digest) ?? learn(profile, digest);
  if (known.size < mostRemembered) known.set(digest, answer);
  return answer;
}

async function learn(profile: Uint8Array, digest: string): Promise<boolean> {
  const is = await leavesColours(profile);
  if (is && listed.length < 32 * mostListed) {
    listed = new Uint8Array([...listed, ...Buffer.from(digest, 'hex')]);
  }
  return is;
}

async function leavesColours(profile: Uint8Array): Promise<boolean> {
  const picture = withProfile(await allColours(), profile);
  const decode = (ignoreIcc: boolean) =>
    sharp(picture, { ignoreIcc }).toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer();
  try {
    const [applied, ignored] = [await decode(false), await decode(true)];
    return applied.every((level, i) => Math.abs(level - (ignored[i] as number)) <= mostLevels);
  } catch {
    return false;
  }
}

/** A JPEG of 32 x 16 pixels: each of red, green and blue at 8 levels. */
function allColours(): Promise<Buffer> {
  const size = { width: 32, height: 16, channels: 3 } as const;
  const pixels = Buffer.alloc(512 * 3);
  for (let i = 0; i < 512; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = Math.round((((i >> (3 * c)) & 7) * 255) / 7);
  }
  return sharp(pixels, { raw: size }).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
}

/** With the profile as its second segment. */
function withProfile(jpeg: Buffer, profile: Uint8Array): Buffer {
  const header = Buffer.from('\xff\xe2\0\0ICC_PROFILE\0\x01\x01', 'latin1');
  header.writeUInt16BE(header.length - 2 + profile.length, 2);
  return Buffer.concat([jpeg.subarray(0, 2), header, profile, jpeg.subarray(2)]);
}
