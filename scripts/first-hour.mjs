// A newcomer's path, timed: from a clone to the first prediction on their own images.
//
//   node scripts/first-hour.mjs [--out docs/first-hour.md] [--weights FILE]
//
// Clones this checkout's last commit into an empty folder, with an empty home (so nothing is cached), and runs what
// a newcomer would, on a folder of 3 classes with 30 images each, which are drawn. --weights takes
// VGG16's weights as `pull --from` does; without them, vgg16-untrained stands in. Writes the page.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateTrafficLights } from '../packages/core/dist/sample/index.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'docs/first-hour.md') },
    weights: { type: 'string' },
  },
});
const place = mkdtempSync(join(tmpdir(), 'headstart-first-hour-'));
const clone = join(place, 'headstart');
const page = [];
const loadBefore = loadavg()[0];
let total = 0;

/** Runs a line in a shell, and puts it with the end of its output onto the page. */
function step(line, { cwd = clone, shown = 30, run = line } = {}) {
  const started = performance.now();
  console.log(`$ ${line}`);
  const env = {
    ...process.env,
    HOME: join(place, 'home'),
    XDG_CACHE_HOME: '',
    HEADSTART_CUDA: 'off',
  };
  for (const name of Object.keys(env))
    if (/^(npm_|HEADSTART_(?!CUDA)|PNPM|XDG_)/i.test(name)) delete env[name];
  const result = spawnSync('sh', ['-c', `${run} 2>&1`], {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const seconds = (performance.now() - started) / 1000;
  total += seconds;
  const lines = result.stdout.replaceAll(place, '/home/me').trimEnd().split('\n');
  if (result.status !== 0) {
    console.error(lines.slice(-40).join('\n'));
    throw new Error(`${line} ended with exit code ${result.status}`);
  }
  const left = lines.length - shown;
  const text = left > 0 ? [`… ${left} lines`, ...lines.slice(-shown)] : lines;
  const output = text.join('\n').trim();
  page.push(`\`\`\`sh norun checkout\n${line}\n\`\`\``);
  page.push(`${seconds.toFixed(1)} s, ${duration(total)} since the beginning${output ? ':' : '.'}`);
  if (output) page.push(`\`\`\`text\n${output}\n\`\`\``);
  console.log(`  ${seconds.toFixed(1)} s`);
}

function duration(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

const heading = (text, words) => page.push(`## ${text}`, ...(words ? [words] : []));

/** Three classes of 30 pictures, and three without a class: what a newcomer would bring. */
async function ownImages() {
  const drawn = join(place, 'drawn');
  const counts = { trainPerClass: 30, validationPerClass: 1, heldOutPerClass: 1, seed: 7 };
  await generateTrafficLights({ folder: drawn, ...counts });
  for (const [from, to] of [
    ['train', 'lights'],
    ['held-out', 'new'],
  ]) {
    const names = readdirSync(join(drawn, from), { recursive: true, withFileTypes: true });
    for (const entry of names.filter((one) => one.isFile())) {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      const target = path.replace(join(drawn, from), join(clone, to));
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(path, target);
    }
  }
}

try {
  mkdirSync(join(place, 'home'));
  heading('Get it', 'With Node, a C++ compiler and CMake there ([install.md](install.md)):');
  step('git clone https://example.org/headstart.git', {
    cwd: place,
    run: `git clone --quiet --no-hardlinks "${root}" headstart`,
  });
  step('npm run build', { shown: 12 });
  step('npx headstart doctor');
  heading(
    'Your images',
    'One folder per class. Here: `lights/` with 30 pictures each of red, yellow and green traffic lights, and `new/` with some whose class is to be predicted.',
  );
  await ownImages();
  step('ls lights new');
  step('npx headstart check lights');
  heading('Train');
  if (values.weights) {
    step('npx headstart pull', { run: `npx headstart pull --from "${values.weights}"` });
  } else {
    page.push(
      'VGG16’s weights were not there when this page was made; with the internet, `npx headstart pull` fetches them (58.9 MB). `vgg16-untrained`, the same network with random weights, stands in: good enough for drawn pictures, and little else.',
    );
  }
  const backbone = values.weights ? '' : ' --backbone vgg16-untrained';
  step(`npx headstart train lights${backbone} --out runs/lights`);
  heading('Predict', 'The names of the new pictures are the right answers:');
  step('npx headstart predict runs/lights new/');
  heading('And on', 'Another head, on features that are there already:');
  step(`npx headstart train lights${backbone} --head mlp --out runs/mlp`, { shown: 6 });
  step('npx headstart export runs/lights --out lights.onnx');
  const system = `${cpus().length} cores of an ${cpus()[0].model}, ${process.platform} on ${process.arch}, Node ${process.versions.node}`;
  const opening = [
    '# The first hour',
    `From a clone to a prediction on your own images, in **${duration(total)}**: each command, what it printed, and how long it took. Written by \`node scripts/first-hour.mjs\`, which runs all of it in an empty folder with nothing cached, on ${new Date().toISOString().slice(0, 10)}; ${system}; compiled without CUDA; load average ${loadBefore.toFixed(0)} before it began.`,
  ];
  writeFileSync(values.out, `${[...opening, ...page].join('\n\n')}\n`);
  console.log(`Written: ${values.out}, ${duration(total)}`);
} finally {
  rmSync(place, { recursive: true, force: true });
}
