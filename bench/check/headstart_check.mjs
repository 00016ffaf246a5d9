// Images a second of `checkDataset`, of decoding alone. Prints one JSON document.
//
//   node bench/check/headstart_check.mjs FOLDER
import { checkDataset } from '#core/check';

const [folder] = process.argv.slice(2);
let [started, ended, images] = [0, 0, 0];
await checkDataset(folder, {
  onProgress: ({ stage, done, total }) => {
    // The files were hashed just before, so reading them again costs as little here as in the peer.
    if (stage === 'hashing' && done === total) started = performance.now();
    if (stage === 'decoding' && done === total) [ended, images] = [performance.now(), total];
  },
});
const rate = images / ((ended - started) / 1000);
const peakMegabytes = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ what: 'headstart check', images, rate, peakMegabytes }));
