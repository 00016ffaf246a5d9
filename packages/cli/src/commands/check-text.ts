import {
  adviceOn,
  type CheckReport,
  countPictures,
  describeTrait,
  likeness,
  type SamePicture,
} from '@headstart/core';
import { plural } from '@headstart/core/options';
import { table } from '../table.ts';
import { inFlags } from '../words.ts';

/** What the terminal shows of a list; the whole is in `--json`. */
const mostLines = 10;
const mostFiles = 4;

/** A report as the terminal shows it. */
export function checkText(report: CheckReport): string {
  const { classes, unreadable, misnamed, warned, split } = report;
  const counts = classes.map(({ name, images, train, validation, test }) => [
    name,
    images,
    train,
    validation,
    test,
  ]);
  const sections = [
    section('Cannot be read', unreadable, ({ path, reason }) => `${path}: ${reason}`),
    section('Wrong extension', misnamed, ({ name, content }) => `${name}: ${content}`),
    section('Decodes with warnings', warned, ({ name, warning }) => `${name}: ${warning}`),
    pictures('The same picture under two classes', report.conflicts),
    // Leaks of a split that is not the user's own are in the advice.
    split ? [] : pictures('The same picture in training and in validation or test', report.leaks),
    pictures('The same picture several times', report.duplicates),
  ];
  const advice = adviceOn(report).map(inFlags);
  const lines = [
    `${plural(report.images, 'image')} in ${classes.length} classes${sizeText(report)}`,
    '',
    table(['class', 'images', 'train', 'validation', 'test'], counts),
    ...(split ? [splitText(split)] : []),
    ...sections.flat(),
    ...(advice.length > 0 ? ['', ...advice.map((text) => `warning: ${text}`)] : []),
    ...(report.traits.length > 0
      ? ['', ...report.traits.map((trait) => `note: ${inFlags(describeTrait(trait, report))}.`)]
      : []),
  ];
  const clean = sections.every((section) => section.length === 0) && advice.length === 0;
  return [...lines, ...(clean ? ['', 'Nothing is wrong with it.'] : [])].join('\n');
}

function sizeText({ size }: CheckReport): string {
  if (!size) return '';
  const { width, height } = size;
  return `, ${width.min} to ${width.max} pixels wide and ${height.min} to ${height.max} high`;
}

function splitText({ groupBy, seed }: NonNullable<CheckReport['split']>): string {
  const groups = groupBy === undefined ? '' : `, by groups of ${groupBy}`;
  return `(as training would split it with seed ${seed}${groups})`;
}

function pictures(title: string, list: readonly SamePicture[]): string[] {
  return section(title, list, samePicture, countPictures(list));
}

function section<T>(
  title: string,
  items: readonly T[],
  line: (item: T) => string,
  count = `${items.length}`,
): string[] {
  if (items.length === 0) return [];
  const more = items.length - mostLines;
  return [
    '',
    `${title}: ${count}`,
    ...items.slice(0, mostLines).map((item) => `  ${line(item)}`),
    ...(more > 0 ? [`  … and ${more} more: --json lists all, --html shows them`] : []),
  ];
}

function samePicture(picture: SamePicture): string {
  const { exact, files } = picture;
  const names = files.slice(0, mostFiles).map(({ name }) => name);
  const more = files.length > mostFiles ? ` and ${files.length - mostFiles} more` : '';
  return `${names.join(exact ? ' = ' : ' ≈ ')}${more}${exact ? '' : `: ${likeness(picture)}`}`;
}
