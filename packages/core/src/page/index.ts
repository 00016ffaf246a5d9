export { colours } from './colours.ts';
export { pageDocument } from './document.ts';
export { type HtmlValue, html, type Markup, table, trusted } from './html.ts';
export { type Plot, plotConfig, renderSvg } from './svg.ts';
export { type RgbPicture, type Thumbnail, type ThumbnailOptions, thumbnail } from './thumbnail.ts';
