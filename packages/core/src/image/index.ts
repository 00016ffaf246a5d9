export type { Fit } from '../options/index.ts';
export { applyView } from './augment.ts';
export {
  type DecodeOptions,
  type DecodeViewsOptions,
  decodeImage,
  decodePlainJpeg,
  decodeVersion,
  decodeViews,
  type ResizeMethod,
  type ResizeOptions,
} from './decode.ts';
export { decoderWarning } from './decoder-warning.ts';
export type { ImageDescription } from './describe.ts';
export { type ImageFormat, imageFormat } from './format.ts';
export { sharp, sharpVersions } from './libvips.ts';
export { encodePng, overlayHeat, readPicture } from './overlay.ts';
export { type Cut, cutOf, type Size } from './placement.ts';
export { readThumbnail } from './thumbnail.ts';
export { type UnreadableKind, unreadableKind, unreadableReason } from './unreadable.ts';
export { type AugmentOptions, drawView, type ViewTransform, viewId } from './view.ts';
