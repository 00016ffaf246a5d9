export { type ColourName, colours } from './colours.ts';
export { type PageContents, pageDocument } from './document.ts';
export {
  escapeHtml,
  type HtmlValue,
  html,
  type Markup,
  table,
  trusted,
} from './html.ts';
export { type Plot, plotConfig, renderPng, renderSvg } from './svg.ts';
export { type RgbPicture, type Thumbnail, type ThumbnailOptions, thumbnail } from './thumbnail.ts';
