/**
 * The text of a file: UTF-8, or UTF-16 where its first bytes say so; without the mark itself.
 *
 * @throws TypeError where the bytes are not such a text
 */
export function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const little = first === 0xff && second === 0xfe;
  const big = first === 0xfe && second === 0xff;
  const encoding = little ? 'utf-16le' : big ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding, { fatal: true }).decode(bytes);
}
