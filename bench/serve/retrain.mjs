// From the click on "Train" until the new run answers, and until its folder is written: what the page does,
// over HTTP, on a server of its own.
//
//   node bench/serve/retrain.mjs RUN IMAGE [ROUNDS]
//
// RUN is of `headstart demo`, say, and IMAGE a picture to label. The runs that are made beside RUN are
// removed at the end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { get } from 'node:http';
import { dirname, join, resolve } from 'node:path';

const [run, image, rounds = '5'] = process.argv.slice(2);
if (image === undefined) {
  console.error('usage: node bench/serve/retrain.mjs RUN IMAGE [ROUNDS]');
  process.exitCode = 2;
} else {
  await main();
}

async function main() {
  const cli = join(import.meta.dirname, '../../packages/cli/bin/headstart.js');
  const server = spawn(process.execPath, [cli, 'serve', run, '--port', '0', '--json', '--quiet'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const made = [];
  try {
    const url = await urlOf(server);
    await predict(url);
    console.log('ms from the click    features  head  head alone  answers  written');
    for (let round = 1; round <= Number(rounds); round++) {
      const { at, state } = await train(url);
      made.push(state.run);
      const row = [at.training, at.saving, state.train_seconds * 1000, at.answered, at.ready];
      console.log(`${`training ${round}`.padEnd(21)}${row.map(cell).join('')}`);
    }
    console.log(`memory of the server: ${await residentMegabytes(url)} MB`);
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
    const beside = dirname(resolve(run));
    for (const name of made) await rm(join(beside, name), { recursive: true, force: true });
  }
}

function cell(ms, i) {
  return ms.toFixed(0).padStart([8, 6, 12, 9, 9][i]);
}

async function urlOf({ stdout }) {
  let text = '';
  for await (const chunk of stdout) {
    text += chunk;
    if (text.includes('}')) break;
  }
  return JSON.parse(text).url;
}

/** When each state was first heard of, in ms from the click, and when the new run first answered. */
async function train(url) {
  const before = (await predict(url)).run;
  const [events] = await once(get(`${url}/api/training/events`), 'response');
  const at = {};
  const clicked = performance.now();
  await fetch(`${url}/api/training`, { method: 'POST' });
  let answered;
  const states = heard(events);
  for await (const state of states) {
    // What is said first is of the training before.
    if (at.preparing === undefined && state.status !== 'preparing') continue;
    at[state.status] ??= performance.now() - clicked;
    if (state.status === 'failed') throw new Error(state.error);
    const served = state.status === 'saving' || state.status === 'ready';
    if (served) answered ??= firstAnswer(url, before).then((time) => time - clicked);
    if (state.status !== 'ready') continue;
    return { at: { ...at, answered: await answered }, state };
  }
  throw new Error('the stream has ended');
}

async function* heard(events) {
  let text = '';
  for await (const chunk of events) {
    text += Buffer.from(chunk).toString();
    const parts = text.split('\n\n');
    text = parts.pop();
    for (const part of parts) if (part.startsWith('data: ')) yield JSON.parse(part.slice(6));
  }
}

/** @returns when another run than `before` has labelled the image */
async function firstAnswer(url, before) {
  for (;;) {
    if ((await predict(url)).run !== before) return performance.now();
    await new Promise((wait) => setTimeout(wait, 5));
  }
}

async function predict(url) {
  const answer = await fetch(`${url}/predict?topk=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: readFileSync(image),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function residentMegabytes(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return (Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]) / 1e6).toFixed(0);
}
