// The time of one `headstart sweep`, and of PyTorch training the same heads one after another, on the
// same features, for as many epochs as each head was trained here:
//
//   npx headstart features FOLDER --backbone B --no-augment --out F.safetensors
//   node bench/study/sweep.mjs F.safetensors F.validation.safetensors PYTHON [trials]     256 by default
//
// (the second file is F.test.safetensors where the folder has test/ and no validation/). PYTHON needs
// torch==2.13.0, numpy and safetensors. PyTorch trains twice: on features that are pooled once
// beforehand, where a head begins with pooling, as Headstart does it; and on the feature maps, as the
// heads say.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [train, validation, python = 'python3', trials = '256'] = process.argv.slice(2);
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'headstart-bench-'));
const run = (program, args) =>
  JSON.parse(
    execFileSync(program, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 2 ** 28,
    }),
  );
try {
  const out = join(folder, 'sweep');
  const command = ['--features', train, '--val-features', validation, '--trials', trials];
  const started = performance.now();
  const result = run(process.execPath, [
    path('../../packages/cli/bin/headstart.js'),
    ...['sweep', ...command, '--out', out, '--json', '--threads', '2'],
  ]);
  const whole = (performance.now() - started) / 1000;
  const { finished } = JSON.parse(readFileSync(join(out, 'sweep.json'), 'utf8'));
  const epochs = finished.reduce((sum, one) => sum + one.epochs, 0);
  const torch = (how) =>
    run(python, [path('pytorch_heads.py'), train, validation, join(out, 'sweep.json'), how]);
  const pooled = torch('pooled');
  const maps = torch('maps');
  const row = (what, seconds) =>
    console.log(`| ${what} | ${seconds.toFixed(1)} | ${(seconds / whole).toFixed(1)} |`);
  console.log(`${finished.length} heads, ${epochs} epochs in all, 2 threads\n`);
  console.log('| | seconds | times the whole command |\n|---|---|---|');
  row('headstart sweep, the whole command (loading, trials, refit, plots)', whole);
  row('of it: trials', result.sweep_s);
  row(`${maps.what}, on the feature maps`, maps.seconds);
  row(`${pooled.what}, features pooled beforehand`, pooled.seconds);
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  console.log(
    `\nValidation accuracy: the head of \`train\` ${percent(result.baseline.accuracy)}, the best trained again ${percent(result.refit.accuracy)}.`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
