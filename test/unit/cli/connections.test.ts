import { once } from 'node:events';
import { type AddressInfo, connect, type NetConnectOpts, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { clientAddress } from '../../../packages/cli/dist/serve/connections.js';
import { defaultLimits, type ServeLimits } from '../../../packages/cli/dist/serve/limits.js';
import { createMetrics } from '../../../packages/cli/dist/serve/metrics.js';
import { createServer } from '../../../packages/cli/dist/serve/server.js';

const clients = new Set<Socket>();
let close: () => Promise<unknown> = async () => undefined;
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients.clear();
  await close();
});

async function listen(limits: Partial<ServeLimits> = {}) {
  const metrics = createMetrics(() => 0);
  const all = { ...defaultLimits, ...limits };
  const server = createServer({ limits: all, hosts: new Set(), metrics, onFailure: () => {} });
  server.get('/ok', async () => 'ok');
  server.get('/large', async () => 'x'.repeat(64 * 1024 * 1024));
  await server.listen({ host: '127.0.0.1', port: 0 });
  close = () => server.close();
  const { port } = server.server.address() as AddressInfo;
  const open = async (options: Partial<NetConnectOpts> = {}) => {
    const client = connect({ host: '127.0.0.1', port, allowHalfOpen: true, ...options });
    clients.add(client);
    client.on('error', () => {});
    await once(client, 'connect');
    return client;
  };
  const count = () =>
    new Promise<number>((resolve) => server.server.getConnections((_, n) => resolve(n)));
  const until = async (wanted: (n: number) => boolean) => {
    while (!wanted(await count())) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const untilRefused = async (wanted: number) => {
    const line = `headstart_connections_refused_total ${wanted}\n`;
    while (!(await metrics.text()).includes(line)) await new Promise((r) => setTimeout(r, 20));
  };
  return { server, untilRefused, url: `http://127.0.0.1:${port}`, open, until };
}

describe('connections', () => {
  it('that time out are closed, though the client keeps its side open', async () => {
    const { open, until } = await listen({ timeoutMs: 200 });
    const silent = await Promise.all(Array.from({ length: 20 }, () => open()));
    for (const client of silent.slice(10)) client.write('GET /ok HTTP/1.1\r\n');
    for (const client of silent) client.on('data', () => {});
    await until((n) => n === 0);
  }, 15_000);

  it('that are no HTTP get their answer and are closed, though the client keeps its side open', async () => {
    const { open, until } = await listen();
    const client = await open();
    client.write('no HTTP\r\n\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    await until((n) => n === 0);
  }, 15_000);

  it('of one address are bounded: another address is still answered', async () => {
    const { untilRefused, url, open, until } = await listen({
      connections: { inAll: 100, perAddress: 8 },
    });
    const greedy = { localAddress: '127.0.0.2' };
    const held = await Promise.all(Array.from({ length: 40 }, () => open(greedy)));
    await untilRefused(32);
    expect(await (await fetch(`${url}/ok`)).text()).toBe('ok');
    for (const client of held) client.destroy();
    await until((n) => n <= 1);
    const again = await open(greedy);
    again.write('GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(String(await once(again, 'data'))).toMatch(/^HTTP\/1\.1 200 /);
  }, 15_000);

  it('are bounded in all', async () => {
    const { untilRefused, open, until } = await listen({
      connections: { inAll: 10, perAddress: 8 },
    });
    for (let i = 2; i < 6; i++) {
      await Promise.all(Array.from({ length: 5 }, () => open({ localAddress: `127.0.0.${i}` })));
    }
    await untilRefused(10);
    await until((n) => n === 10);
  }, 15_000);

  it('do not keep the server from closing, whatever the client does', async () => {
    const { server, open } = await listen();
    await open();
    const half = await open();
    half.write('POST /ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc');
    const unread = await open();
    unread.pause();
    unread.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(unread, 'readable');
    await server.close();
  }, 10_000);
});

describe('the address that connections are counted by', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['', ''],
  ])('of %s is %s', (remote, address) => {
    expect(clientAddress(remote)).toBe(address);
  });
});
