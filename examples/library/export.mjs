// Writes a run as one ONNX file and runs that with ONNX Runtime alone:
//
//   node examples/library/export.mjs runs/fruit fruit.onnx photo.jpg
import { exportModel } from '@headstart/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';

const [run, out, photo] = process.argv.slice(2);
const { file, classes, sha256 } = await exportModel({ run, out });
console.log(`${file}: ${classes.join(', ')} (sha256 ${sha256})`);

const session = await InferenceSession.create(file);
const [, height, width] = session.inputMetadata[0].shape;
const pixels = await sharp(photo)
  .autoOrient()
  .flatten({ background: 'white' })
  .toColourspace('srgb')
  .resize(width, height, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false })
  .raw()
  .toBuffer();
const image = new Tensor('uint8', new Uint8Array(pixels), [1, height, width, 3]);
const { label, probabilities } = await session.run({ image });
console.log(`${photo}: ${label.data[0]} ${Math.max(...probabilities.data).toFixed(3)}`);
await session.release();
