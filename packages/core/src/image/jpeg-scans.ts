/** The markers of a JPEG file, up to the end mark. */
export interface JpegStructure {
  readonly height: number;
  readonly width: number;
  /** Passes over the picture's coefficients: 1 of a plain file, some 10 of a progressive one. */
  readonly scans: number;
  /** Whether the data ends with the end mark (EOI). */
  readonly ended: boolean;
}

const [startOfScan, endOfImage, temporary] = [0xda, 0xd9, 0x01];
const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;
/** SOF0 to SOF15, but for DHT, JPG and DAC, which stand between them. */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/**
 * Walks over a JPEG file's markers (ITU T.81, annex B) as libjpeg does: bytes between segments and
 * coded data are skipped up to the next marker.
 */
export function jpegStructure(bytes: Uint8Array): JpegStructure {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let [height, width, scans] = [0, 0, 0];
  for (let at = nextMarker(data, 2); at < data.length; at = nextMarker(data, at)) {
    const marker = data[at++] as number;
    if (marker === endOfImage) return { height, width, scans, ended: true };
    if (marker === temporary || isRestart(marker)) continue;
    if (at + 7 > data.length) break;
    if (marker === startOfScan) scans++;
    if (isFrame(marker)) {
      height = data.readUInt16BE(at + 3);
      width = data.readUInt16BE(at + 5);
    }
    at += data.readUInt16BE(at);
  }
  return { height, width, scans, ended: false };
}

export interface JpegFrame {
  /** Where the frame header begins: at its length. */
  readonly start: number;
  readonly length: number;
  readonly components: number;
  readonly progressive: boolean;
}

/** The frame header (SOF) of a JPEG file; undefined where there is none. */
export function jpegFrame(bytes: Uint8Array): JpegFrame | undefined {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = nextMarker(data, 2); at + 9 < data.length; at = nextMarker(data, at)) {
    const marker = data[at++] as number;
    if (marker === startOfScan || marker === endOfImage) return undefined;
    if (marker === temporary || isRestart(marker)) continue;
    const length = data.readUInt16BE(at);
    if (isFrame(marker)) {
      const progressive = marker !== 0xc0 && marker !== 0xc1;
      return { start: at, length, components: data[at + 7] as number, progressive };
    }
    at += length;
  }
  return undefined;
}

/** Where the next marker's code stands: the byte after 0xff that is neither 0xff nor 0 (stuffed). */
function nextMarker(data: Buffer, from: number): number {
  for (let at = data.indexOf(0xff, from); at >= 0; at = data.indexOf(0xff, at)) {
    while (data[at] === 0xff) at++;
    if (data[at] !== 0) return at;
  }
  return data.length;
}
