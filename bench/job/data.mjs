// The images of a benchmark in one form for all: train/<class> and validation/<class>, of links.
import { mkdirSync, symlinkSync } from 'node:fs';
import { extname, join } from 'node:path';
import { scanDataset } from '../../packages/core/dist/dataset/index.js';
import { generateTrafficLights } from '../../packages/core/dist/sample/index.js';

/** The generated sample: as many pictures as ten batches, and two batches to validate with. */
export async function drawSample(folder, perClass = 107) {
  await generateTrafficLights({
    folder,
    trainPerClass: perClass,
    validationPerClass: Math.max(4, Math.round(perClass / 5)),
    heldOutPerClass: 1,
    seed: 0,
  });
}

/** What a folder holds, in either of the layouts, linked into `train` and `validation`. */
export async function linkData(source, folder) {
  const { classes, train, validation } = await scanDataset(source, {});
  for (const [part, samples] of Object.entries({ train, validation })) {
    for (const name of classes) mkdirSync(join(folder, part, name), { recursive: true });
    for (const [i, { path, label }] of samples.entries()) {
      const name = `${String(i).padStart(6, '0')}${extname(path).toLowerCase()}`;
      symlinkSync(path, join(folder, part, classes[label], name));
    }
  }
  return { classes: classes.length, train: train.length, validation: validation.length };
}
