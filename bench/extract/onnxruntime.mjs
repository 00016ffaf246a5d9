// Images a second of a loop that only calls ONNX Runtime on tensors that are ready: prints one JSON
// document.
//
//   node bench/extract/onnxruntime.mjs fp32|int8 [images]
import { createRequire } from 'node:module';
import { locateBackbone, quantizedPath } from '../../packages/core/dist/backbone/index.js';
import { modelsDir } from './models-dir.mjs';

const [precision, images = '200'] = process.argv.slice(2);
const require = createRequire(new URL('../../packages/core/package.json', import.meta.url));
const { InferenceSession, Tensor } = require('onnxruntime-node');

const exact = await locateBackbone('vgg16-untrained', { modelsDir });
const path = precision === 'int8' ? quantizedPath(exact, modelsDir) : exact.path;
const session = await InferenceSession.create(path);
const batch = 8;
const pixels = Uint8Array.from({ length: batch * 224 * 224 * 3 }, (_, i) => (i * 7919) % 251);
const image = new Tensor('uint8', pixels, [batch, 224, 224, 3]);
await session.run({ image });
const count = Math.ceil(Number(images) / batch);
const started = performance.now();
for (let i = 0; i < count; i++) await session.run({ image });
const rate = (1000 * count * batch) / (performance.now() - started);
console.log(JSON.stringify({ what: `ONNX Runtime alone, ${precision}, ready tensors`, rate }));
