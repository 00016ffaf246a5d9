// Labels images in the browser with an exported model. Nothing leaves the machine.
import * as ort from 'onnxruntime-web/wasm';

/**
 * Loads the folder that `headstart export RUN --out FOLDER` wrote.
 *
 * @param {string} folder its URL, with a slash at the end
 * @param {{ fit?: 'stretch' | 'crop' | 'pad' }} options as the run was trained (`--fit`)
 */
export async function loadClassifier(folder, { fit = 'stretch' } = {}) {
  const [session, labels] = await Promise.all([
    ort.InferenceSession.create(new URL('model.onnx', folder).href),
    fetch(new URL('labels.txt', folder)).then((response) => response.text()),
  ]);
  const [, height, width] = session.inputMetadata[0].shape;
  const classes = labels.trimEnd().split('\n');

  /** @param {Blob} file an image file of any size */
  return async function classify(file) {
    const pixels = await pixelsOf(file, { width, height, fit });
    const image = new ort.Tensor('uint8', pixels, [1, height, width, 3]);
    const { probabilities, label } = await session.run({ image });
    const byClass = classes.map((name, i) => [name, probabilities.data[i]]);
    return { label: label.data[0], probabilities: Object.fromEntries(byClass) };
  };
}

/**
 * A picture as the model takes it: uint8 RGB, height x width x 3. The browser turns it as its EXIF
 * orientation says, converts its colours to sRGB and scales it; transparent pixels become white.
 * Browsers scale in their own way: probabilities differ a little from those of `headstart predict`
 * (not for pictures that have the model's size already).
 */
async function pixelsOf(file, { width, height, fit }) {
  const bitmap = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.fillStyle = fit === 'pad' ? 'black' : 'white';
  context.fillRect(0, 0, width, height);
  const [w, h] = drawnSize(bitmap, { width, height, fit });
  const [x, y] = [Math.round((width - w) / 2), Math.round((height - h) / 2)];
  context.fillStyle = 'white';
  context.fillRect(x, y, w, h);
  context.drawImage(bitmap, x, y, w, h);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    rgb.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  }
  return rgb;
}

/** How large the whole picture is drawn: to be cut it is larger than the canvas, to be padded smaller. */
function drawnSize(bitmap, { width, height, fit }) {
  if (fit === 'stretch') return [width, height];
  const scales = [width / bitmap.width, height / bitmap.height];
  const scale = fit === 'crop' ? Math.max(...scales) : Math.min(...scales);
  return [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
}
