import { hash } from 'node:crypto';
import type { Grouping } from './groups.ts';
import type { Sample } from './types.ts';
import { type Unit, unitsOf } from './units.ts';

export interface SplitOptions {
  /** Share of each class that validates, of all its images, between 0 and 1. */
  readonly validationFraction: number;
  /** Share of each class that is kept for testing; 0 for none. */
  readonly testFraction: number;
  /** Of the validation part. The test part is the same for every seed. */
  readonly seed: number;
  readonly groupsOf?: Grouping | undefined;
}

export interface SplitSamples {
  readonly train: Sample[];
  readonly validation: Sample[];
  readonly test: Sample[];
}

/**
 * Splits each class in the same proportion (stratified). Which part a file comes to depends on its
 * content and the seed, or on its group's name and the seed, not on its own name or place; files of
 * the same bytes and files of one group come to the same part, also across classes. A class with
 * several such units has at least one in training and in validation, and one of three in test.
 *
 * Units stand in the order of SHA-256 of (seed, hash or group name). Each is taken for validation
 * that brings the classes' numbers nearer to round(fraction · n), n a class's contents; so adding
 * files moves few others. The test part is taken first, in an order of its own that no seed
 * changes: training with another seed must not see it.
 *
 * @param samples in order; all results keep it
 */
export function splitSamples(samples: readonly Sample[], options: SplitOptions): SplitSamples {
  const { validationFraction, testFraction, seed, groupsOf } = options;
  const units = unitsOf(samples, groupsOf);
  const totals = sumCounts(units);
  const wanted = (fraction: number, leave: number) =>
    new Map([...totals].map(([label, n]) => [label, partSize(n, fraction, leave)]));
  const test =
    testFraction > 0
      ? takeUnits(units, { wanted: wanted(testFraction, 2), totals, leave: 2, order: 'test' })
      : new Set<Unit>();
  const validation = takeUnits(
    units.filter((unit) => !test.has(unit)),
    { wanted: wanted(validationFraction, 1), totals, leave: 1, order: `${seed}` },
  );
  const inTest = new Set([...test].flatMap((unit) => unit.samples));
  const inValidation = new Set([...validation].flatMap((unit) => unit.samples));
  return {
    train: samples.filter((sample) => !inTest.has(sample) && !inValidation.has(sample)),
    validation: samples.filter((sample) => inValidation.has(sample)),
    test: samples.filter((sample) => inTest.has(sample)),
  };
}

/** How many of n contents a part has: one at least where `leave` others are left then. */
function partSize(n: number, fraction: number, leave: number): number {
  if (n <= leave) return 0;
  return Math.min(n - leave, Math.max(1, Math.round(fraction * n)));
}

interface TakeOptions {
  /** Contents, by class. */
  readonly wanted: ReadonlyMap<number, number>;
  readonly totals: ReadonlyMap<number, number>;
  /** Units of each class that are not taken, at least. */
  readonly leave: number;
  readonly order: string;
}

function takeUnits(units: readonly Unit[], options: TakeOptions): Set<Unit> {
  const { wanted, leave, order } = options;
  const taken = new Set<Unit>();
  const missing = new Map(wanted);
  const left = new Map<number, number>();
  for (const { counts } of units) {
    for (const label of counts.keys()) left.set(label, (left.get(label) ?? 0) + 1);
  }
  const canGo = ({ counts }: Unit) => {
    for (const label of counts.keys()) if ((left.get(label) ?? 0) <= leave) return false;
    return true;
  };
  const take = (unit: Unit) => {
    taken.add(unit);
    add(missing, unit.counts, -1);
    for (const label of unit.counts.keys()) left.set(label, (left.get(label) ?? 0) - 1);
  };
  const cost = (unit: Unit) => costOf(unit, missing, options.totals);
  const ordered = inOrder(units, order);
  for (const unit of ordered) {
    if (canGo(unit) && cost(unit) < 0) take(unit);
  }
  // A class whose groups are all too large gives the one that does the least harm.
  for (const [label, count] of wanted) {
    if (count === 0 || missing.get(label) !== count) continue;
    const own = ordered.filter((unit) => unit.counts.has(label) && canGo(unit));
    const [first, ...rest] = own;
    if (first) take(rest.reduce((best, unit) => (cost(unit) < cost(best) ? unit : best), first));
  }
  return taken;
}

/** By how much taking a unit worsens the shares of its classes, all classes weighing the same. */
function costOf(
  { counts }: Unit,
  missing: ReadonlyMap<number, number>,
  totals: ReadonlyMap<number, number>,
): number {
  let cost = 0;
  for (const [label, count] of counts) {
    const gap = missing.get(label) ?? 0;
    cost += (Math.abs(gap - count) - Math.abs(gap)) / (totals.get(label) ?? 1);
  }
  return cost;
}

function inOrder(units: readonly Unit[], order: string): Unit[] {
  return units
    .map((unit) => ({ unit, rank: keyedHash(order, unit.key) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ unit }) => unit);
}

function sumCounts(units: readonly Unit[]): Map<number, number> {
  const totals = new Map<number, number>();
  for (const { counts } of units) add(totals, counts);
  return totals;
}

function add(to: Map<number, number>, counts: ReadonlyMap<number, number>, sign = 1): void {
  for (const [label, count] of counts) to.set(label, (to.get(label) ?? 0) + sign * count);
}

function keyedHash(order: string, key: string): string {
  return hash('sha256', `${order}:${key}`, 'hex');
}
