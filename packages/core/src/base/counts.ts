import { HeadstartError } from './errors.ts';

/** @throws HeadstartError `USAGE` */
export function checkCount(option: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw new HeadstartError(
    'USAGE',
    `${option} must be a whole number from ${least}, not ${value}.`,
  );
}
