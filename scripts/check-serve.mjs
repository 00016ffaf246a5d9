// Sends malformed requests to a server of a run: each must get the status that is right for it, with an
// error in JSON, and the next good request must be answered as before.
//
//   node scripts/check-serve.mjs RUN IMAGE.png [2000]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { malformedRequests, sendRaw } from '../test/util/malformed.mjs';

const [run, image, count = '2000'] = process.argv.slice(2);
if (image === undefined) {
  console.error('usage: node scripts/check-serve.mjs RUN IMAGE.png [2000]');
  process.exit(2);
}

const cli = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages/cli/bin/headstart.js');
const server = spawn(process.execPath, [cli, 'serve', run, '--port', '0', '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
let text = '';
for await (const chunk of server.stdout) {
  text += chunk;
  if (text.includes('}')) break;
}
const { url } = JSON.parse(text);
const good = readFileSync(image);

async function label() {
  const headers = { 'content-type': 'image/png' };
  const answer = await fetch(`${url}/predict`, { method: 'POST', headers, body: good });
  if (!answer.ok) throw new Error(`the good request got ${answer.status}: ${await answer.text()}`);
  return (await answer.json()).predictions[0].label;
}

async function residentMegabytes() {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1]) / 1e6;
}

const expected = await label();
const requests = malformedRequests(good);
const seen = new Map();
const wrong = [];
const memory = [await residentMegabytes()];
for (let i = 0; i < Number(count); i++) {
  const request = requests[i % requests.length];
  const { status, body } = await sendRaw(url, request, i);
  if (request.status !== 'none') {
    const right = request.status.includes(status) && (status === 431 || isError(body));
    if (!right) wrong.push(`${request.name} (${i}): ${status} ${body.slice(0, 200)}`);
  }
  const key = request.status === 'none' ? 'left' : `${status}`;
  const counts = seen.get(request.name) ?? {};
  seen.set(request.name, { ...counts, [key]: (counts[key] ?? 0) + 1 });
  const next = await label();
  if (next !== expected) wrong.push(`after ${request.name} (${i}): ${next}, not ${expected}`);
  if (i % 250 === 249) memory.push(await residentMegabytes());
}

function isError(body) {
  try {
    const { error } = JSON.parse(body);
    return typeof error.code === 'string' && typeof error.message === 'string';
  } catch {
    return false;
  }
}

for (const [name, counts] of seen) console.log(`${name}: ${JSON.stringify(counts)}`);
console.log(`memory, MB, every 250 requests: ${memory.map((m) => m.toFixed(0)).join(' ')}`);
console.log(`${count} malformed requests, each followed by a good one; ${wrong.length} wrong`);
for (const line of wrong.slice(0, 20)) console.error(line);
server.kill('SIGTERM');
const [code] = await once(server, 'exit');
console.log(`the server ended with ${code} on SIGTERM`);
process.exitCode = wrong.length > 0 || code !== 0 ? 1 : 0;
