// How fast images are fed to a backbone that costs next to nothing, beside PyTorch's DataLoader and a
// bare loop of sharp, in turn, in one run:
//
//   node bench/extract/feed.mjs FOLDER [--python PYTHON] [--rounds 5] [--workers 2] [--copies 2]
//       [--views 4] [--profiles] [--before CHECKOUT]
//
// FOLDER has JPEG photographs. --profiles: with their colour profiles; else these are taken off.
// --before: another, built copy of this repository, to compare with.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { copyPhotographs } from './feed/data.mjs';
import { writeNullBackbone } from './feed/null-backbone.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: 'python3' },
    rounds: { type: 'string', default: '5' },
    workers: { type: 'string', default: '2' },
    copies: { type: 'string', default: '2' },
    views: { type: 'string', default: '4' },
    profiles: { type: 'boolean', default: false },
    before: { type: 'string' },
  },
});
const [source] = positionals;
if (!source) {
  console.error('error: give a folder of JPEG photographs.');
  process.exit(2);
}

const place = mkdtempSync(join(tmpdir(), 'headstart-bench-feed-'));
const folder = join(place, 'data');
const backbone = join(place, 'null.onnx');

function call([file, ...args]) {
  const path = fileURLToPath(new URL(`feed/${file}`, import.meta.url));
  const program = file.endsWith('.py') ? options.python : process.execPath;
  const output = execFileSync(program, [path, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output);
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  const count = copyPhotographs(source, folder, {
    copies: Number(options.copies),
    profiles: options.profiles,
  });
  writeNullBackbone(backbone);
  const { workers, views, before } = options;
  const headstart = (name, more) => [
    [`${name}, plain`, ['headstart.mjs', folder, backbone, '0', ...more]],
    [`${name}, ${views} views more`, ['headstart.mjs', folder, backbone, views, ...more]],
  ];
  const contestants = [
    ...headstart('Headstart', []),
    ...(before ? headstart('Headstart before', [before]) : []),
    [`PyTorch DataLoader, ${workers} workers, plain`, ['dataloader.py', folder, workers]],
    [
      `PyTorch DataLoader, ${workers} workers, augmented`,
      ['dataloader.py', folder, workers, 'augment'],
    ],
    ['sharp alone, decode and resize', ['sharp.mjs', folder]],
    ['sharp alone, decode', ['sharp.mjs', folder, 'raw']],
  ];
  const results = contestants.map(() => []);
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [i, [, args]] of contestants.entries()) results[i].push(call(args));
  }
  console.log(
    `\n**Feeding a backbone that computes nothing**: ${count} JPEG files` +
      `${options.profiles ? '' : ' without colour profiles'}, ${cpus().length} cores, ` +
      `medians of ${options.rounds}\n`,
  );
  console.log(
    '| | views/s | least and most | CPU ms per view | main thread ms per view | peak MB |\n|---|---|---|---|---|---|',
  );
  for (const [i, [name]] of contestants.entries()) {
    const of = (figure) => results[i].map(figure);
    const rates = of((one) => one.views / one.seconds);
    const milliseconds = (figure) => {
      const value = median(of((one) => (1000 * figure(one)) / one.views));
      return Number.isFinite(value) ? value.toFixed(2) : '';
    };
    const cells = [
      name,
      median(rates).toFixed(0),
      `${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)}`,
      milliseconds((one) => one.cpuSeconds),
      milliseconds((one) => one.mainBusySeconds),
      median(of((one) => one.peakMegabytes)).toFixed(0),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
