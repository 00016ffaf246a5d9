import { namedPreprocessing } from '../onnx/index.ts';
import type { ImageSettings } from './file.ts';
import {
  type FoundSettings,
  type Json,
  positiveInteger,
  type Refuse,
  type Size,
  threeNumbers,
} from './maker-json.ts';

/** `resample`: Pillow's numbers; 4 and 5 (box, Hamming) are not made here. */
const filters = ['nearest', 'lanczos', 'bilinear', 'bicubic'] as const;

/** What `size` means where it is one number: the shorter side, or both. */
const shorterSide = /^(CLIP|ChineseCLIP|Bit|ConvNext|MobileNetV[12])/;
const bothSides = /^(ViT|DeiT|Beit|Siglip)/;

export function isImageProcessor(json: Json): boolean {
  const keys = ['image_mean', 'image_processor_type', 'feature_extractor_type', 'do_resize'];
  return keys.some((key) => json[key] !== undefined);
}

/**
 * What a preprocessor_config.json says, as the image processors of transformers 5 read it. They cut an odd pixel
 * off below or to the right.
 */
export function imageProcessorSettings(json: Json, refuse: Refuse): FoundSettings {
  const type = String(json.image_processor_type ?? json.feature_extractor_type ?? '');
  refuseUnknown(json, type, refuse);
  const { resample } = json;
  const resize = filters[resample as number];
  if (resize === undefined) throw refuse(`has the resample ${JSON.stringify(resample)}`);
  const { fit, ...size } = geometry(json, type, refuse);
  return { pixels: pixels(json, refuse), images: { resize, fit }, size };
}

/** Steps that are not made here. */
function refuseUnknown(json: Json, type: string, refuse: Refuse): void {
  if (json.do_resize === false) throw refuse('does not scale images (do_resize)');
  for (const key of ['do_pad', 'do_flip_channel_order', 'rescale_offset']) {
    if (json[key] === true) throw refuse(`has ${key}, which is not done here`);
  }
  const hasOwnSizes = /^Levit/.test(type) || (json.crop_pct != null && !/^ConvNext/.test(type));
  if (hasOwnSizes) throw refuse(`is of ${type}, which scales images in a way of its own`);
}

function pixels(json: Json, refuse: Refuse): FoundSettings['pixels'] {
  const { do_rescale: rescales, rescale_factor: factor, do_normalize: normalizes } = json;
  const scale = rescales === false ? 1 : (factor ?? 1 / 255);
  if (typeof scale !== 'number' || !(scale > 0)) {
    throw refuse(`has the rescale_factor ${JSON.stringify(factor)}`);
  }
  const isNormalized = normalizes ?? json.image_mean != null;
  return namedPreprocessing({
    scale,
    mean: isNormalized ? threeNumbers(json, 'image_mean', refuse) : [0, 0, 0],
    deviation: isNormalized ? threeNumbers(json, 'image_std', refuse) : [1, 1, 1],
  });
}

function geometry(json: Json, type: string, refuse: Refuse): Size & Pick<ImageSettings, 'fit'> {
  const scaled = scaledTo(json, type, refuse);
  if (/^ConvNext/.test(type) && typeof scaled === 'number') {
    const square = { height: scaled, width: scaled };
    // As it was trained: smaller images are cut out of larger ones.
    if (scaled >= 384) return { ...square, fit: stretched(square) };
    const share = json.crop_pct ?? 224 / 256;
    return { ...square, fit: `shorter-${Math.floor(scaled / Number(share))}-floor` };
  }
  const isCut = json.do_center_crop ?? json.crop_size != null;
  const cut = isCut ? sizeIn(json, 'crop_size', refuse) : undefined;
  if (typeof scaled === 'number') {
    if (cut) return { ...cut, fit: `shorter-${scaled}-floor` };
    throw refuse('leaves images their proportions (size.shortest_edge without do_center_crop)');
  }
  if (!cut || (cut.height === scaled.height && cut.width === scaled.width)) {
    return { ...scaled, fit: stretched(scaled) };
  }
  if (scaled.height === scaled.width) return { ...cut, fit: `stretch-${scaled.height}-floor` };
  throw refuse(`scales images to ${scaled.height}x${scaled.width} and then cuts them`);
}

/** A square by its pixels, as plain `stretch` takes JPEG files at a reduced size. */
function stretched({ height, width }: Size): ImageSettings['fit'] {
  return height === width ? `stretch-${height}` : 'stretch';
}

/** Pixels of the shorter side, or of both. */
function scaledTo(json: Json, type: string, refuse: Refuse): number | Size {
  const { size } = json;
  if (typeof size === 'number') {
    const side = positiveInteger(json, 'size', refuse);
    if (shorterSide.test(type)) return side;
    if (bothSides.test(type)) return { height: side, width: side };
    throw refuse(`has the size ${side}, which may be that of the shorter side or of both`);
  }
  const { shortest_edge: shortest, longest_edge: longest } = (size ?? {}) as Json;
  if (shortest == null) return sizeIn(json, 'size', refuse);
  if (longest != null) throw refuse('bounds the longer side (size.longest_edge)');
  return positiveInteger(size as Json, 'shortest_edge', refuse);
}

/** One number, or `height` and `width`. */
function sizeIn(json: Json, key: string, refuse: Refuse): Size {
  const value = json[key];
  if (typeof value === 'number') {
    const side = positiveInteger(json, key, refuse);
    return { height: side, width: side };
  }
  if (typeof value !== 'object' || value === null) {
    throw refuse(`has the ${key} ${JSON.stringify(value)}`);
  }
  const side = (name: string) => positiveInteger(value as Json, name, refuse);
  return { height: side('height'), width: side('width') };
}
