import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { expandInputs } from '../../../packages/cli/dist/inputs.js';

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
