// Features by a Slurm array of 8 tasks into one cache, one of them killed half-way, then the array again:
// nothing that was done may be computed again, and the features must be those of one process, bit for
// bit. Build first (npm run build).
//
//   node scripts/check-slurm.mjs [IMAGES]
//
// IMAGES (default 8000) are small pictures for the tiny backbone of the tests. Takes the cluster that
// `sinfo` finds, else starts one of one node, which needs root and Debian's slurm-wlm and munge; exits with
// 0 and the reason where that is not there.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus, hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { recordsOf, sameRecords } from './check-cache/process.mjs';

const images = Number(process.argv[2] ?? 8000);
const [tasks, victim] = [8, 3];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cli = join(root, 'packages/cli/bin/headstart.js');
const backbone = join(root, 'test/fixtures/tiny-backbone/tiny.onnx');
const place = mkdtempSync(join(tmpdir(), 'headstart-check-slurm-'));
const at = (...names) => join(place, ...names);
const run = (command, args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
const log = (text) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
const faults = [];

function expect(what, found, wanted) {
  const right = JSON.stringify(found) === JSON.stringify(wanted);
  log(`${right ? 'right' : 'WRONG'}: ${what}: ${JSON.stringify(found)}`);
  if (!right) faults.push(what);
}

/** Returns what ends the cluster; undefined, with a reason said, where there can be none. */
async function startCluster() {
  if (spawnSync('sinfo', ['-h']).status === 0) return () => {};
  const missing = ['slurmctld', 'slurmd', 'sbatch', 'munged'].filter((name) => !has(name));
  if (missing.length > 0 || process.getuid() !== 0) {
    console.log(`Skipped: ${missing.length > 0 ? `missing: ${missing}` : 'needs root'}.`);
    return undefined;
  }
  const host = hostname().split('.')[0];
  for (const name of ['slurm', 'slurm/state', 'slurm/spool']) mkdirSync(at(name));
  const daemons = ['slurmctld', 'slurmd'].map((name) => `/${name}.pid`);
  writeFileSync(
    at('slurm/slurm.conf'),
    [
      'ClusterName=check',
      `SlurmctldHost=${host}(127.0.0.1)`,
      'AuthType=auth/munge',
      'SlurmUser=root',
      'SlurmdUser=root',
      `StateSaveLocation=${at('slurm/state')}`,
      `SlurmdSpoolDir=${at('slurm/spool')}`,
      `SlurmctldPidFile=${at('slurm')}${daemons[0]}`,
      `SlurmdPidFile=${at('slurm')}${daemons[1]}`,
      `SlurmctldLogFile=${at('slurm/slurmctld.log')}`,
      `SlurmdLogFile=${at('slurm/slurmd.log')}`,
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_CPU',
      'MpiDefault=none',
      'JobAcctGatherType=jobacct_gather/none',
      `NodeName=${host} NodeAddr=127.0.0.1 CPUs=${cpus().length} State=UNKNOWN`,
      `PartitionName=all Nodes=${host} Default=YES MaxTime=INFINITE State=UP`,
      '',
    ].join('\n'),
  );
  process.env.SLURM_CONF = at('slurm/slurm.conf');
  const started = [];
  const stop = () => {
    for (const file of started) {
      const pid = existsSync(file) && Number(readFileSync(file, 'utf8'));
      if (pid) process.kill(pid);
    }
  };
  if (spawnSync('munge', ['-n']).status !== 0) {
    run('sh', ['-c', 'mkdir -p /run/munge && chown munge: /run/munge']);
    if (!existsSync('/etc/munge/munge.key')) run('mungekey', []);
    run('runuser', ['-u', 'munge', '--', 'munged', '--pid-file=/run/munge/munged.pid']);
    started.push('/run/munge/munged.pid');
  }
  run('slurmctld', ['-f', process.env.SLURM_CONF]);
  started.unshift(at('slurm/slurmctld.pid'));
  await setTimeout(1000);
  run('slurmd', ['-f', process.env.SLURM_CONF, '-N', host]);
  started.unshift(at('slurm/slurmd.pid'));
  for (let i = 0; i < 60; i++) {
    if (spawnSync('sinfo', ['-h', '-o', '%T'], { encoding: 'utf8' }).stdout.includes('idle')) {
      return stop;
    }
    await setTimeout(500);
  }
  stop();
  throw new Error(`Slurm does not become idle:\n${readFileSync(at('slurm/slurmctld.log'))}`);
}

async function writePictures() {
  const side = 32;
  for (let i = 0; i < images; i++) {
    const folder = at('data', i % 2 === 0 ? 'even' : 'odd');
    if (i < 2) mkdirSync(folder, { recursive: true });
    const pixels = Buffer.alloc(side * side * 3, i % 251);
    pixels.writeUInt32LE(i, 0);
    const raw = { width: side, height: side, channels: 3 };
    await sharp(pixels, { raw })
      .png({ compressionLevel: 1 })
      .toFile(join(folder, `${i}.png`));
  }
}

const features = ['features', at('data'), '--backbone', backbone, '--no-augment', '--json'];

function submit(name) {
  mkdirSync(at(name));
  const command = [
    process.execPath,
    cli,
    ...features,
    '--shard',
    'auto',
    '--cache-dir',
    at('cache'),
  ];
  writeFileSync(
    at('features.sbatch'),
    [
      '#!/bin/bash',
      `#SBATCH --array=0-${tasks - 1}`,
      '#SBATCH --cpus-per-task=1',
      `#SBATCH --output=${at(name)}/%a.log --error=${at(name)}/%a.err`,
      `echo $$ >${at(name)}/$SLURM_ARRAY_TASK_ID.pid`,
      `exec ${command.join(' ')}`,
      '',
    ].join('\n'),
  );
  return run('sbatch', ['--parsable', at('features.sbatch')]);
}

async function waitFor(job) {
  while (run('squeue', ['-h', '-j', job]) !== '') await setTimeout(200);
}

/** What each task computed; null for one that was killed. */
function computedOf(name) {
  return Array.from({ length: tasks }, (_, i) => {
    const text = readFileSync(at(name, `${i}.log`), 'utf8');
    if (text.trim().startsWith('{')) return JSON.parse(text).computed ?? null;
    return null;
  });
}

function lastLines(name, task) {
  const text = ['log', 'err'].map((end) => readFileSync(at(name, `${task}.${end}`), 'utf8'));
  return JSON.stringify(text.join('').trim().split('\n').slice(-2).join(' | '));
}

/** Kills a task when it has written a good part of its share. */
async function killHalfWay() {
  const enough = (images / tasks / 2) * 1664;
  for (;;) {
    await setTimeout(5);
    const pid =
      existsSync(at('first', `${victim}.pid`)) &&
      readFileSync(at('first', `${victim}.pid`), 'utf8').trim();
    if (!pid || !existsSync(at('cache'))) continue;
    const packs = readdirSync(at('cache'), { recursive: true });
    const own = packs.find((path) => path.includes(`-${pid}-`) && path.endsWith('.pack'));
    if (!own || statSync(at('cache', own)).size < enough) continue;
    // As the system does when memory is short: scancel would let it end in order.
    process.kill(Number(pid), 'SIGKILL');
    return;
  }
}

const lsCache = () =>
  JSON.parse(run(process.execPath, [cli, 'cache', 'ls', '--json', '--cache-dir', at('cache')]));

const stop = await startCluster();
try {
  if (stop) {
    await writePictures();
    log(`${run('sinfo', ['--version'])}, ${cpus().length} CPUs; ${images} images, ${tasks} tasks`);
    const first = submit('first');
    log(`array ${first} submitted`);
    await killHalfWay();
    log(`task ${first}_${victim} killed`);
    await waitFor(first);
    const computed = computedOf('first');
    log(`the killed task ended with: ${lastLines('first', victim)}`);
    const { records: done } = lsCache();
    log(`computed by task: ${computed}; in the cache: ${done} of ${images}`);
    expect('the killed task has no result', computed[victim], null);
    const others = computed.reduce((sum, one) => sum + (one ?? 0), 0);
    log(`kept of what the killed task had done: ${done - others}`);
    expect('some of it is kept, not all', done > others && done < images, true);

    const second = submit('second');
    log(`array ${second} submitted: the same again`);
    await waitFor(second);
    const again = computedOf('second');
    log(`computed by task: ${again}`);
    const total = again.reduce((sum, one) => sum + one, 0);
    expect('computed again of what was done', total - (images - done), 0);
    expect('records in the cache', lsCache().records, images);

    const one = JSON.parse(run(process.execPath, [cli, ...features, '--cache-dir', at('alone')]));
    expect('computed by one process', one.computed, images);
    const same = sameRecords(await recordsOf(at('cache')), await recordsOf(at('alone')));
    expect('the same records, bit for bit', same, true);
    const all = JSON.parse(run(process.execPath, [cli, ...features, '--cache-dir', at('cache')]));
    expect('left to compute', all.computed, 0);
    log(faults.length === 0 ? 'All right.' : `Failed: ${faults.join(', ')}`);
    process.exitCode = faults.length === 0 ? 0 : 1;
  }
} finally {
  stop?.();
  rmSync(place, { recursive: true, force: true });
}
