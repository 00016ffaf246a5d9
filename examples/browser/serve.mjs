// Serves the page, an exported model and ONNX Runtime's files on this machine:
//
//   headstart export runs/fruit --out fruit-model
//   node examples/browser/serve.mjs fruit-model [port]
//
// Any web server does the same; the two headers let ONNX Runtime use several threads.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [folder, port = '8000'] = process.argv.slice(2);
if (!folder) {
  console.error('error: give the folder that `headstart export RUN --out FOLDER` wrote.');
  process.exit(2);
}

const here = dirname(fileURLToPath(import.meta.url));
const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
/** Where the files of each part of the address lie. */
const places = new Map([
  ['', here],
  ['ort', runtime],
  ['model', resolve(folder)],
]);

const types = {
  '.html': 'text/html; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.onnx': 'application/octet-stream',
};

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const parts = pathname.slice(1).split('/');
  const place = places.get(parts.length > 1 ? parts[0] : '');
  // A name alone: no path leads out of the places.
  const name = basename(parts.at(-1) || 'index.html');
  const type = types[extname(name)];
  const bytes = place && type && (await readFile(join(place, name)).catch(() => undefined));
  if (!bytes) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    'content-type': type,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  });
  response.end(bytes);
});
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
