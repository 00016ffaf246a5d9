// A server under 32 clients for a minute, beside `predict` on the same images: images a second, errors,
// and the server's memory over time.
//
//   node bench/serve/load.mjs RUN IMAGES [--clients 32] [--seconds 60] [--images-per-request 1] [--rounds 1]
//
// `predict` runs before and after; with more rounds, the two take turns with a part of the time each, which
// is fairer on a machine that others use.
//
// Clients, in a process of their own, keep their connections and send one image after the other. Each
// label must be the one that `predict` gives. On one machine the clients take their share of the cores.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadClassifier } from '../../packages/core/dist/classify/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '60' },
    'images-per-request': { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    labels: { type: 'boolean', default: false },
    part: { type: 'string' },
    url: { type: 'string' },
  },
});
const [run, folder] = positionals;
const [clients, perRequest, rounds] = [
  values.clients,
  values['images-per-request'],
  values.rounds,
].map(Number);
/** Of one round. */
const seconds = Number(values.seconds) / rounds;

if (run === undefined || folder === undefined) {
  console.error('usage: node bench/serve/load.mjs RUN IMAGES [--clients 32] [--seconds 60]');
  process.exitCode = 2;
} else if (values.part === 'clients') {
  console.log(JSON.stringify(await load(values.url, imagesIn(folder))));
} else if (values.part === 'predict') {
  console.log(JSON.stringify(await predict(imagesIn(folder))));
} else {
  await compare();
}

function imagesIn(place) {
  return readdirSync(place, { recursive: true })
    .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
    .sort()
    .map((name) => ({ name, path: join(place, name) }));
}

/** `predict`'s loop over the images, again and again; the first pass only warms up. */
async function predict(images) {
  const classifier = await loadClassifier(run, { device: 'cpu' });
  const paths = images.map(({ path }) => path);
  const labels = [];
  const first = values.labels ? paths : paths.slice(0, 8);
  for await (const item of classifier.classify(first)) labels.push(item.label);
  let count = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  while (performance.now() < until) {
    for await (const _ of classifier.classify(paths)) {
      count++;
      if (performance.now() >= until) break;
    }
  }
  const elapsed = (performance.now() - started) / 1000;
  await classifier.close();
  return { images: count, elapsed, labels };
}

/** All clients, until the time is over. */
async function load(url, images) {
  const { labels } = JSON.parse(await readStdin());
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const bodies = images.map(({ path }) => readFileSync(path));
  const until = performance.now() + seconds * 1000;
  const result = { images: 0, errors: [], latencies: [] };
  let next = 0;
  const client = async () => {
    while (performance.now() < until) {
      const chosen = Array.from({ length: perRequest }, () => next++ % bodies.length);
      const sent = performance.now();
      try {
        const answer = await send(
          agent,
          url,
          chosen.map((i) => bodies[i]),
        );
        chosen.forEach((i, at) => {
          const { label } = answer.predictions[at];
          if (label !== labels[i]) throw new Error(`${images[i].name}: ${label}, not ${labels[i]}`);
        });
        result.images += chosen.length;
        result.latencies.push(performance.now() - sent);
      } catch (error) {
        result.errors.push(String(error));
      }
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const elapsed = (performance.now() - started) / 1000;
  agent.destroy();
  return { ...result, elapsed };
}

function send(agent, url, bodies) {
  const form = bodies.length > 1 ? formOf(bodies) : undefined;
  const headers = {
    'content-type': form ? `multipart/form-data; boundary=${boundary}` : 'image/jpeg',
  };
  const body = form ?? bodies[0];
  return new Promise((resolve, reject) => {
    const options = {
      agent,
      method: 'POST',
      headers: { ...headers, 'content-length': body.length },
    };
    const sent = request(`${url}/predict?topk=1`, options, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${answer.statusCode} ${text}`));
      });
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const boundary = 'headstart-bench';

function formOf(bodies) {
  const parts = bodies.flatMap((body, i) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="${i}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`,
    ),
    body,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}

async function readStdin() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** This file as another process, with a part to play. */
async function part(name, input = '', more = []) {
  const args = [import.meta.filename, run, folder, '--part', name, ...more];
  for (const option of ['clients', 'seconds', 'images-per-request', 'rounds']) {
    args.push(`--${option}`, values[option]);
  }
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  const chunks = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

async function compare() {
  const cli = join(import.meta.dirname, '../../packages/cli/bin/headstart.js');
  const server = spawn(process.execPath, [cli, 'serve', run, '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of server.stdout) {
    text += chunk;
    if (text.includes('}')) break;
  }
  const { url } = JSON.parse(text);
  const memory = [await residentMegabytes(url)];
  const peers = [await part('predict', '', ['--labels'])];
  const loads = [];
  for (let round = 0; round < rounds; round++) {
    const timer = setInterval(async () => memory.push(await residentMegabytes(url)), 5000);
    loads.push(await part('clients', JSON.stringify(peers[0]), ['--url', url]));
    clearInterval(timer);
    peers.push(await part('predict'));
  }
  memory.push(await residentMegabytes(url));
  report(peers, loads, memory);
  server.kill('SIGTERM');
  const [code] = await once(server, 'exit');
  console.log(`ended with ${code} on SIGTERM`);
}

function report(peers, loads, memory) {
  const rate = (parts) => sum(parts, 'images') / sum(parts, 'elapsed');
  const sum = (parts, key) => parts.reduce((total, part) => total + part[key], 0);
  const each = (parts) => parts.map((part) => (part.images / part.elapsed).toFixed(1)).join(' ');
  const errors = loads.flatMap((part) => part.errors);
  const latencies = loads.flatMap((part) => part.latencies).sort((a, b) => a - b);
  const at = (share) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(0);
  console.log(`predict  ${rate(peers).toFixed(1)} images/s (${each(peers)})`);
  console.log(`serve    ${rate(loads).toFixed(1)} images/s (${each(loads)})`);
  console.log(`serve / predict: ${(rate(loads) / rate(peers)).toFixed(3)}`);
  console.log(
    `${clients} clients, ${values.seconds} s, ${perRequest} image(s) a request: ${latencies.length} requests, ${errors.length} errors; median ${at(0.5)} ms, 99 % ${at(0.99)} ms`,
  );
  for (const error of errors.slice(0, 3)) console.log(`  ${error}`);
  console.log(`memory of the server, MB, every 5 s: ${memory.map((m) => m.toFixed(0)).join(' ')}`);
  if (errors.length > 0) process.exitCode = 1;
}

async function residentMegabytes(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]) / 1e6;
}
