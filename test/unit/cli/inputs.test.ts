import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { aliasOf } from '../../../packages/cli/dist/aliases.js';
import { expandInputs } from '../../../packages/cli/dist/inputs.js';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

it('takes a URL as it is, also with a question mark or brackets in it', async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end('image');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const path = '/photo(1).jpg?size=[40]&of=*';
    const { signal } = new AbortController();
    for await (const input of expandInputs([`http://127.0.0.1:${port}${path}`], { signal })) {
      if (typeof input === 'string' || !('read' in input)) throw new Error('no URL');
      expect(Buffer.from(await input.read()).toString()).toBe('image');
    }
    expect(asked).toEqual([path]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

const names = ['träume.png', 'b 2.png'];
const text = `${names.join('\r\n')}\r\n`;
const utf16 = Buffer.from(`\uFEFF${text}`, 'utf16le');
it.each([
  ['UTF-8', Buffer.from(text)],
  ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${text}`)],
  ['UTF-16, little end first', utf16],
  ['UTF-16, big end first', Buffer.from(utf16).swap16()],
])('reads a list in %s, whatever its chunks', async (_, bytes) => {
  const { signal } = new AbortController();
  for (const size of [1, 3, bytes.length]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    const list = Readable.from(chunks, { objectMode: false }) as unknown as NodeJS.ReadStream;
    const found = await all(expandInputs(['-'], { signal, list }));
    expect(found).toEqual(names);
  }
});

it('reads a list that ends within a mark as text', async () => {
  const { signal } = new AbortController();
  const list = Readable.from([Buffer.from('a')]) as unknown as NodeJS.ReadStream;
  expect(await all(expandInputs(['-'], { signal, list }))).toEqual(['a']);
});

it('knows what other programs call an option, where there is such a one', () => {
  const options = ['learning-rate', 'batch-size', 'epochs', 'dropout'];
  const meant = ['lr', 'bs', 'epoch', 'batch_size', 'dropout-rate', 'nothing'];
  expect(meant.map((name) => aliasOf(name, options))).toEqual([
    'learning-rate',
    'batch-size',
    'epochs',
    undefined,
    'dropout',
    undefined,
  ]);
  expect(aliasOf('lr', ['out'])).toBeUndefined();
});
