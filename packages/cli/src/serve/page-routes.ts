import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';

/** Every file of the page, by the URL that it has. Nothing else is read from the disk. */
const files = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/page/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page/camera.js': ['camera.js', 'text/javascript; charset=utf-8'],
  '/page/classify.js': ['classify.js', 'text/javascript; charset=utf-8'],
  '/page/mistakes.js': ['mistakes.js', 'text/javascript; charset=utf-8'],
  '/page/training.js': ['training.js', 'text/javascript; charset=utf-8'],
  '/page/curves.js': ['curves.js', 'text/javascript; charset=utf-8'],
  '/page/dom.js': ['dom.js', 'text/javascript; charset=utf-8'],
  '/page/icon.svg': ['icon.svg', 'image/svg+xml'],
} as const;

const folder = new URL('../../page/', import.meta.url);

export async function addPageRoutes(server: FastifyInstance): Promise<void> {
  for (const [url, [name, type]] of Object.entries(files)) {
    const content = await readFile(new URL(name, folder));
    server.get(url, async (_request, reply) => reply.type(type).send(content));
  }
}
