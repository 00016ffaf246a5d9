export { applyView } from './augment.ts';
export {
  type DecodeOptions,
  decodeImage,
  decodeVersion,
  defaultMaxPixels,
  type ResizeMethod,
  type ResizeOptions,
  type UnreadableKind,
  unreadableKind,
  unreadableReason,
} from './decode.ts';
export { type ImageFormat, imageFormat } from './format.ts';
export type { Fit } from './placement.ts';
export { type AugmentOptions, drawView, type ViewTransform, viewId } from './view.ts';
