// Draws the sample of traffic lights: node generate.mjs FOLDER [pictures per class] [seed]
import { generateTrafficLights } from '../../packages/core/dist/sample/index.js';

const [folder, count = '100', seed = '0'] = process.argv.slice(2);
const perClass = Number(count);
const seedNumber = Number(seed);
if (!folder || !Number.isSafeInteger(perClass) || perClass < 5) {
  console.error('Say where, and how many (5 or more): generate.mjs FOLDER [100] [seed]');
  process.exit(2);
}
if (!Number.isSafeInteger(seedNumber) || seedNumber < 0) {
  console.error(`The seed is "${seed}": give a whole number, 0 or more.`);
  process.exit(2);
}
const validationPerClass = Math.round(perClass / 5);
try {
  await generateTrafficLights({
    folder,
    trainPerClass: perClass - validationPerClass,
    validationPerClass,
    heldOutPerClass: 2,
    seed: seedNumber,
  });
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(error.code === 'USAGE' ? 2 : 1);
}
console.log(`Written: ${folder}`);
