import { html, type Markup, trusted } from './html.ts';
import { pageStyle } from './style.ts';

export interface PageContents {
  readonly title: string;
  readonly body: Markup;
  /** Rules beside those of every page. */
  readonly style?: string | undefined;
  /** A script that the page runs; without one, no script can run in it. */
  readonly script?: string | undefined;
}

/** One HTML document that opens offline and loads nothing. */
export function pageDocument({ title, body, style = '', script }: PageContents): string {
  const policy = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    'img-src data:',
    ...(script === undefined ? [] : ["script-src 'unsafe-inline'"]),
  ].join('; ');
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<title>${title}</title>
<style>${trusted(pageStyle + style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
${script === undefined ? html`` : html`<script>${trusted(script)}</script>\n`}</body>
</html>
`;
  return page.markup;
}
