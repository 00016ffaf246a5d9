type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** The marks of a text's encoding. */
const marks: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/**
 * The parts of a text between separators, without empty ones and without a line's `\r`. The text is
 * UTF-8, or UTF-16 by its first bytes. No more is read than is asked for. An abort destroys
 * the stream: a silent terminal must not keep the program.
 */
export async function* partsOf(
  stream: NodeJS.ReadableStream & { destroy(): void },
  separator: '\n' | '\0',
  signal: AbortSignal,
): AsyncGenerator<string> {
  const destroy = () => stream.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  let rest = '';
  const clean = (part: string) => (separator === '\n' ? part.replace(/\r$/, '') : part);
  try {
    for await (const text of decoded(stream)) {
      const parts = (rest + text).split(separator);
      rest = parts.pop() ?? '';
      for (const part of parts.map(clean)) if (part.trim() !== '') yield part;
    }
    const last = clean(rest);
    if (last.trim() !== '') yield last;
  } finally {
    signal.removeEventListener('abort', destroy);
  }
}

/** The text of a stream, without its mark. A mark and a character may lie in several chunks. */
async function* decoded(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  let first: Buffer | undefined = Buffer.alloc(0);
  let decoder = new TextDecoder('utf-8');
  for await (const chunk of stream) {
    let bytes = chunk as Buffer;
    if (first) {
      bytes = Buffer.concat([first, bytes]);
      const encoding = encodingOf(bytes);
      first = encoding ? undefined : bytes;
      if (!encoding) continue;
      decoder = new TextDecoder(encoding);
    }
    yield decoder.decode(bytes, { stream: true });
  }
  yield decoder.decode(first);
}

/** Undefined while the bytes are the beginning of a mark. */
function encodingOf(bytes: Buffer): Encoding | undefined {
  const begins = ([, mark]: (typeof marks)[number]) =>
    mark.slice(0, bytes.length).every((byte, i) => byte === bytes[i]);
  const found = marks.find(begins);
  if (!found) return 'utf-8';
  return bytes.length < found[1].length ? undefined : found[0];
}
