// Labels images with a trained run:
//
//   node examples/library/classify.mjs runs/fruit photo.jpg more.png
import { loadClassifier } from '@headstart/core';

const [run, ...images] = process.argv.slice(2);

// The run's folder is all that is needed. In TypeScript, or with Node 24, `await using` closes the
// model by itself.
const classifier = await loadClassifier(run, { device: 'cpu' });
try {
  // Any iterable of paths, or of { name, bytes }, also an asynchronous one; results come in order.
  for await (const item of classifier.classify(images, { topK: 2, threshold: 0.5 })) {
    if ('error' in item) {
      console.log(`${item.name}: not read, ${item.reason}`);
      continue;
    }
    const ranking = item.ranking.map(({ label, probability }) => {
      return `${label} ${(100 * probability).toFixed(1)} %`;
    });
    console.log(`${item.name}: ${item.label} (${ranking.join(', ')})`);
  }
} finally {
  await classifier.close();
}
