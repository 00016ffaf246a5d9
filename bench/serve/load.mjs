// A server under 32 clients for a minute, beside `predict` on the same images: images a second, errors,
// and the server's memory over time.
//
//   node bench/serve/load.mjs RUN IMAGES [--clients 32] [--seconds 60] [--images-per-request 1]
//
// Clients, in a process of their own, keep their connections and send one image after the other. Each
// label must be the one that `predict` gives. On one machine the clients take their share of the cores.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadClassifier } from '../../packages/core/dist/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '60' },
    'images-per-request': { type: 'string', default: '1' },
    part: { type: 'string' },
    url: { type: 'string' },
  },
});
const [run, folder] = positionals;
const [clients, seconds, perRequest] = [
  values.clients,
  values.seconds,
  values['images-per-request'],
].map(Number);

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
  for await (const item of classifier.classify(paths)) labels.push(item.label);
  let count = 0;
  const started = performance.now();
  const until = started + (seconds * 1000) / 2;
  while (performance.now() < until) {
    for await (const _ of classifier.classify(paths)) count++;
  }
  const perSecond = (count * 1000) / (performance.now() - started);
  await classifier.close();
  return { perSecond, labels };
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
  result.latencies.sort((a, b) => a - b);
  const at = (share) => result.latencies[Math.floor(result.latencies.length * share)];
  return {
    perSecond: result.images / elapsed,
    requests: result.latencies.length,
    errors: result.errors.length,
    firstErrors: result.errors.slice(0, 3),
    median: at(0.5),
    p99: at(0.99),
  };
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
  for (const option of ['clients', 'seconds', 'images-per-request']) {
    args.push(`--${option}`, values[option]);
  }
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  const chunks = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

async function compare() {
  const before = await part('predict');
  console.log(`predict           ${before.perSecond.toFixed(1)} images/s`);
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
  const memory = [];
  const timer = setInterval(async () => memory.push(await residentMegabytes(url)), 5000);
  memory.push(await residentMegabytes(url));
  const result = await part('clients', JSON.stringify(before), ['--url', url]);
  clearInterval(timer);
  memory.push(await residentMegabytes(url));
  const after = await part('predict');
  console.log(`predict, again    ${after.perSecond.toFixed(1)} images/s`);
  const peer = (before.perSecond + after.perSecond) / 2;
  console.log(
    `serve             ${result.perSecond.toFixed(1)} images/s, ${(result.perSecond / peer).toFixed(3)} of predict (mean of before and after)`,
  );
  console.log(
    `${clients} clients, ${seconds} s, ${perRequest} image(s) a request: ${result.requests} requests, ${result.errors} errors; median ${result.median.toFixed(0)} ms, 99 % ${result.p99.toFixed(0)} ms`,
  );
  for (const error of result.firstErrors) console.log(`  ${error}`);
  console.log(`memory of the server, MB, every 5 s: ${memory.map((m) => m.toFixed(0)).join(' ')}`);
  server.kill('SIGTERM');
  const [code] = await once(server, 'exit');
  console.log(`ended with ${code} on SIGTERM`);
  if (result.errors > 0) process.exitCode = 1;
}

async function residentMegabytes(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]) / 1e6;
}
