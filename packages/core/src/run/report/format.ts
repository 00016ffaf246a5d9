/** `86.5 %` */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A share, or a dash where it is not known. */
export function score(value: number | null, digits = 3): string {
  return value === null ? '–' : value.toFixed(digits);
}

/** `0.42 s`, `3 min 20 s` */
export function seconds(value: number): string {
  if (value < 60) return `${value.toFixed(value < 10 ? 2 : 1)} s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
