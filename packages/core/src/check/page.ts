import { resolve } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import {
  html,
  type Markup,
  pageDocument,
  type Thumbnail,
  table,
  thumbnail,
} from '../page/index.ts';
import type { CheckedFile, CheckReport, Range, SamePicture } from './types.ts';
import { adviceOn, countPictures, describeTrait, likeness } from './words.ts';

/** What a page shows of each list, so that it stays small enough to open. */
const mostGroups = 60;
const mostFilesOfGroup = 12;
const mostRows = 500;

const parallelThumbnails = 4;

type Phrase = (text: string) => string;

export interface CheckPageOptions extends LongOperationOptions {
  /** Puts a sentence of advice, with options by their names in backticks, into a program's own words. */
  readonly phrase?: ((text: string) => string) | undefined;
}

/**
 * Writes the report as one HTML page with small pictures, which opens offline.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 * @example
 * ```ts
 * await writeCheckPage('check.html', await checkDataset('fruit'));
 * ```
 */
export async function writeCheckPage(
  path: string,
  report: CheckReport,
  options: CheckPageOptions = {},
): Promise<void> {
  await writeFileAtomically(path, await checkPage(report, options));
}

async function checkPage(report: CheckReport, options: CheckPageOptions): Promise<string> {
  const pictures = await thumbnails(report, options);
  const { phrase = (text) => text } = options;
  const body = html`
${summary(report)}
${advice(report, phrase)}
${classes(report, pictures)}
${samePictures('conflicts', 'The same picture under two classes', report.conflicts, pictures)}
${samePictures('leaks', 'The same picture in training and in validation or test', report.leaks, pictures)}
${samePictures('duplicates', 'The same picture several times', report.duplicates, pictures)}
${unreadable(report)}
${misnamed(report, pictures)}
${warned(report)}
${traits(report, pictures, phrase)}
<p class="small">Near duplicates: perceptual hash (DCT, 64 bits) within 10 bits, and pixels that correlate by 0.96 or more.</p>`;
  return pageDocument({ title: `Check of ${report.root}`, body, style });
}

const style = `
.pictures { display: flex; flex-wrap: wrap; gap: .5rem; margin: .3rem 0; }
.pictures figure { width: 100px; font-size: .7rem; line-height: 1.25; overflow-wrap: anywhere; }
.pictures img { display: block; max-width: 96px; max-height: 96px; margin-bottom: .15rem; }
.groups { display: flex; flex-wrap: wrap; gap: 0 1.5rem; }
.group { border-top: 1px solid #e6e6e6; padding: .4rem 0; }
.group p, .small { margin: 0; color: #555; font-size: .85rem; }
.missing { display: flex; width: 96px; height: 64px; align-items: center; background: #eee; color: #555; }
`;

type Pictures = ReadonlyMap<string, Thumbnail>;

/** Of every image that the page shows, once. */
async function thumbnails(
  report: CheckReport,
  { signal, onProgress }: LongOperationOptions,
): Promise<Pictures> {
  const groups = [report.conflicts, report.leaks, report.duplicates].flatMap((list) =>
    list.slice(0, mostGroups).flatMap(({ files }) => files.slice(0, mostFilesOfGroup)),
  );
  const names = [
    ...new Set([
      ...report.classes.flatMap(({ examples }) => examples),
      ...groups.map(({ name }) => name),
      ...report.misnamed.slice(0, mostGroups).map(({ name }) => name),
      ...report.traits.flatMap(({ examples }) => examples),
    ]),
  ];
  const pictures = new Map<string, Thumbnail>();
  let next = 0;
  const work = async () => {
    while (next < names.length) {
      const name = names[next++] as string;
      pictures.set(name, await thumbnail(resolve(report.root, name), { signal }));
      const progress = { done: pictures.size, total: names.length, unit: 'images' };
      onProgress?.({ stage: 'thumbnails', ...progress });
    }
  };
  await Promise.all(Array.from({ length: parallelThumbnails }, work));
  return pictures;
}

function summary(report: CheckReport): Markup {
  const { size, split, corrections } = report;
  const findings: readonly [string, string, number][] = [
    ['conflicts', 'The same picture under two classes', report.conflicts.length],
    ['leaks', 'The same picture in training and in validation or test', report.leaks.length],
    ['duplicates', 'The same picture several times', report.duplicates.length],
    ['unreadable', 'Files that cannot be read', report.unreadable.length],
    ['misnamed', 'Files with a wrong extension', report.misnamed.length],
    ['warned', 'Files that decode with warnings', report.warned.length],
  ];
  const facts: (readonly [string, string | number])[] = [
    ['Images', report.images],
    ['Classes', report.classes.length],
  ];
  if (size) {
    const words = ({ min, median, max }: Range) =>
      `${min} to ${max} pixels, ${median} in the middle`;
    facts.push(['Width', words(size.width)], ['Height', words(size.height)]);
  }
  if (split) {
    const groups = split.groupBy === undefined ? '' : `, by groups ${split.groupBy}`;
    facts.push([
      'Split',
      `validation ${split.validationFraction}, test ${split.testFraction}, seed ${split.seed}${groups}`,
    ]);
  }
  if (corrections) {
    const { file, relabelled, removed } = corrections;
    facts.push(['Corrections', `${file}: ${relabelled} relabelled, ${removed} left out`]);
  }
  const rows = findings.map(([id, title, count]) => [
    count === 0 ? title : html`<a href="#${id}">${title}</a>`,
    count,
  ]);
  return html`
<table class="facts"><tbody>${facts.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>
<h2>Findings</h2>
${table('What is wrong, and how often', [{ title: 'Finding' }, { title: 'Number', numeric: true }], rows)}`;
}

function advice(report: CheckReport, phrase: Phrase): Markup {
  const sentences = adviceOn(report).map(phrase);
  if (sentences.length === 0) return html``;
  return html`<div class="notice">${sentences.map((text) => html`<p>${text}</p>`)}</div>`;
}

function classes({ classes: all }: CheckReport, pictures: Pictures): Markup {
  const columns = ['images', 'training', 'validation', 'test'];
  const rows = all.map(({ name, images, train, validation, test, examples }) => [
    name,
    images,
    train,
    validation,
    test,
    html`<div class="pictures">${examples.map((each) => image(each, pictures))}</div>`,
  ]);
  const header = [
    { title: 'Class' },
    ...columns.map((title) => ({ title, numeric: true })),
    { title: 'Some of them' },
  ];
  return html`<h2>Classes</h2>${table('Images that can be read', header, rows)}`;
}

function samePictures(
  id: string,
  title: string,
  list: readonly SamePicture[],
  pictures: Pictures,
): Markup {
  if (list.length === 0) return html``;
  const groups = list.slice(0, mostGroups).map((group) => {
    const shown = group.files.slice(0, mostFilesOfGroup);
    return html`<div class="group"><p>${likeness(group)}${rest(group.files.length, shown.length)}</p>
<div class="pictures">${shown.map((file) => figure(file, pictures))}</div></div>`;
  });
  return html`<h2 id="${id}">${title}: ${countPictures(list)}</h2>
<div class="groups">${groups}</div>
<p class="small">${rest(list.length, groups.length)}</p>`;
}

function rest(count: number, shown: number): string {
  return count > shown ? ` … and ${count - shown} more` : '';
}

function figure({ name, part, class: label }: CheckedFile, pictures: Pictures): Markup {
  return html`<figure>${image(name, pictures)}<figcaption>${name}<br>${label}, ${part}</figcaption></figure>`;
}

function image(name: string, pictures: Pictures): Markup {
  const picture = pictures.get(name);
  if (picture && 'uri' in picture) {
    const { uri, width, height } = picture;
    return html`<img src="${uri}" width="${width}" height="${height}" alt="${name}" title="${name}">`;
  }
  return html`<span class="missing" title="${name}">${picture?.reason ?? 'not shown'}</span>`;
}

function unreadable({ unreadable: files }: CheckReport): Markup {
  if (files.length === 0) return html``;
  const rows = files.slice(0, mostRows).map(({ path, reason }) => [path, reason]);
  return html`<h2 id="unreadable">Files that cannot be read: ${files.length}</h2>
${table('They are left out', [{ title: 'File' }, { title: 'Reason' }], rows)}
<p class="small">${rest(files.length, rows.length)}</p>`;
}

function misnamed({ misnamed: files }: CheckReport, pictures: Pictures): Markup {
  if (files.length === 0) return html``;
  const shown = files.slice(0, mostGroups);
  const figures = shown.map(
    ({ name, content }) =>
      html`<figure>${image(name, pictures)}<figcaption>${name}<br>is ${content.toUpperCase()}</figcaption></figure>`,
  );
  return html`<h2 id="misnamed">Files with a wrong extension: ${files.length}</h2>
<p class="small">They are read all the same${rest(files.length, shown.length)}</p>
<div class="pictures">${figures}</div>`;
}

function warned({ warned: files }: CheckReport): Markup {
  if (files.length === 0) return html``;
  const rows = files.slice(0, mostRows).map(({ name, warning }) => [name, warning]);
  return html`<h2 id="warned">Files that decode with warnings: ${files.length}</h2>
${table('They are read; look whether they are whole', [{ title: 'File' }, { title: 'Warning' }], rows)}
<p class="small">${rest(files.length, rows.length)}</p>`;
}

function traits(report: CheckReport, pictures: Pictures, phrase: Phrase): Markup {
  if (report.traits.length === 0) return html``;
  const groups = report.traits.map(
    (trait) => html`<div class="group"><p>${phrase(describeTrait(trait, report))}</p>
<div class="pictures">${trait.examples.map((name) => image(name, pictures))}</div></div>`,
  );
  return html`<h2>What else was found</h2>${groups}`;
}
