/** A number with its noun: `1 image`, `2 images`, `2 classes` where the plural is given. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}
