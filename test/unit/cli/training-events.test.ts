import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { addReviewRoutes } from '../../../packages/cli/dist/serve/review-routes.js';

type Handler = (request: unknown, reply: unknown) => void;

it('tells a client who does not read nothing more after the server has begun to close', async () => {
  const handlers = new Map<string, Handler>();
  const server = {
    get: (url: string, ...rest: unknown[]) => handlers.set(url, rest.at(-1) as Handler),
    post: () => {},
    delete: () => {},
  };
  const listeners = new Set<(state: unknown) => void>();
  const training = {
    listen: (listener: (state: unknown) => void) => {
      listeners.add(listener);
      listener({ status: 'training' });
      return () => listeners.delete(listener);
    },
  };
  const closing = new AbortController();
  const options = { workbench: { training }, closing: closing.signal };
  addReviewRoutes(...([server, options] as unknown as Parameters<typeof addReviewRoutes>));
  const errors: unknown[] = [];
  const raw = Object.assign(new PassThrough(), { writeHead: () => {} });
  raw.on('error', (error) => errors.push(error));
  const reply = { raw, hijack: () => {}, getHeaders: () => ({}) };
  handlers.get('/api/training/events')?.({}, reply);
  expect(listeners.size).toBe(1);
  closing.abort();
  for (const listener of listeners) listener({ status: 'cancelled' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(errors).toEqual([]);
  expect(raw.writableEnded).toBe(true);
  raw.destroy();
});
