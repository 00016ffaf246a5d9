// What the feature cache withstands: processes killed at random moments, flipped bytes, files cut
// off, full and read-only disks, several processes at once. Build first (npm run build).
//
//   node scripts/check-cache.mjs [KILLS] [DAMAGES] [SEED]
//
// KILLS (default 200) and DAMAGES (default 500) are numbers of trials; a few minutes in all.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { damageTrials } from './check-cache/damage.mjs';
import { killTrials } from './check-cache/kills.mjs';
import { placeTrials } from './check-cache/places.mjs';
import { processTrials } from './check-cache/processes.mjs';

const [kills = 200, damages = 500, seed = 1] = process.argv.slice(2).map(Number);
const faults = [];

/** Marsaglia's xorshift, so that trials can be repeated. */
function randomFrom(start) {
  let state = start * 2654435761 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

async function part(title, run, isRight) {
  const folder = mkdtempSync(join(tmpdir(), 'headstart-check-cache-'));
  try {
    console.log(`\n> ${title}`);
    const found = await run(folder);
    console.log(JSON.stringify(found, null, 2));
    if (!isRight(found)) faults.push(title);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await part('several processes', processTrials, ({ twice, same }) => same && twice <= 16);
await part(
  'full and read-only disks',
  placeTrials,
  (found) => !JSON.stringify(found).includes('WRONG') && found.afterRoom !== false,
);
await part(
  'killed processes',
  (folder) => killTrials(folder, kills, randomFrom(seed)),
  ({ different, failed }) => different + failed === 0,
);
await part(
  'damaged files',
  (folder) => damageTrials(folder, damages, randomFrom(seed + 1)),
  ({ crashed, wrong, refused }) => crashed + wrong + refused === 0,
);
console.log(faults.length === 0 ? '\nAll passed.' : `\nFailed: ${faults.join(', ')}.`);
process.exitCode = faults.length === 0 ? 0 : 1;
