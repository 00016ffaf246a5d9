import { StringDecoder } from 'node:string_decoder';

/**
 * The parts of a text between separators, without empty ones and without a line's `\r`. No more is
 * read than is asked for. An abort destroys the stream: a terminal that says nothing must not keep
 * the program.
 */
export async function* partsOf(
  stream: NodeJS.ReadableStream & { destroy(): void },
  separator: '\n' | '\0',
  signal: AbortSignal,
): AsyncGenerator<string> {
  const destroy = () => stream.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  // A character may lie in two chunks.
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const clean = (part: string) => (separator === '\n' ? part.replace(/\r$/, '') : part);
  try {
    for await (const chunk of stream) {
      const parts = (rest + decoder.write(chunk as Buffer)).split(separator);
      rest = parts.pop() ?? '';
      for (const part of parts.map(clean)) if (part.trim() !== '') yield part;
    }
    const last = clean(rest + decoder.end());
    if (last.trim() !== '') yield last;
  } finally {
    signal.removeEventListener('abort', destroy);
  }
}
