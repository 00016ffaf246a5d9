// Trains on a folder of images with one folder per class, shows how it goes, and measures the result:
//
//   node examples/library/train.mjs fruit runs/fruit [backbone]
//
// Ctrl-C ends it in an orderly way: features that were computed are kept, and the same call goes on.
import { evaluate, HeadstartError, isAbort, train } from '@headstart/core';

const [data, out, backbone = 'vgg16'] = process.argv.slice(2);
const controller = new AbortController();
process.once('SIGINT', () => controller.abort());

try {
  const summary = await train({
    data,
    out,
    backbone,
    epochs: 10,
    augment: { flip: true, widthShift: 0.1, heightShift: 0.1 },
    views: 2,
    device: 'cpu',
    signal: controller.signal,
    onNotice: ({ level, text }) => console.log(`${level}: ${text}`),
    onEpoch: ({ epoch, loss, valAccuracy }, epochs) => {
      console.log(`epoch ${epoch} of ${epochs}: loss ${loss.toFixed(3)}, val. ${valAccuracy}`);
    },
  });
  const { metrics } = await evaluate({ run: summary.run, data, device: 'cpu' });
  for (const { name, recall } of metrics.classes) console.log(`${name}: recall ${recall}`);
  console.log(`Run: ${summary.run}`);
} catch (error) {
  // Everything that Headstart raises on purpose has a stable code and one sentence for people.
  if (!(error instanceof HeadstartError) && !isAbort(error, controller.signal)) throw error;
  console.error(error instanceof HeadstartError ? `${error.code}: ${error.message}` : 'Stopped.');
  process.exitCode = 1;
}
