/** `onlyRunRight` → `only_run_right`; a time, `trainSeconds`, is `train_s`. */
type SnakeCased<Name extends string> = Name extends `${infer Stem}Seconds`
  ? `${SnakeCased<Stem>}_s`
  : Name extends `${infer First}${infer Rest}`
    ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCased<Rest>}`
    : Name;

/** What stands under these has the names that files have: of options, and of what features depend on. */
const verbatim = ['options', 'extractor'] as const;
type Verbatim = (typeof verbatim)[number];

/** A result of the library as `--json` prints it. */
export type DocumentOf<T> = T extends readonly unknown[]
  ? { readonly [Index in keyof T]: DocumentOf<T[Index]> }
  : T extends object
    ? {
        readonly [Name in keyof T as SnakeCased<Name & string>]: Name extends Verbatim
          ? T[Name]
          : DocumentOf<T[Name]>;
      }
    : T;

/** The document of a result: the same values under names in snake case. */
export function documentOf<T>(result: T): DocumentOf<T>;
export function documentOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => documentOf(one));
  if (typeof value !== 'object' || value === null) return value;
  const isVerbatim = (name: string) => (verbatim as readonly string[]).includes(name);
  const entries = Object.entries(value).map(([name, one]) => [
    snakeCased(name),
    isVerbatim(name) ? one : documentOf(one),
  ]);
  return Object.fromEntries(entries);
}

function snakeCased(name: string): string {
  return name.replace(/Seconds$/, '_s').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What `--json` prints where a command fails. */
export interface ErrorDocument {
  readonly error: { readonly code: string; readonly message: string };
}

export function errorDocument(code: string, message: string): ErrorDocument {
  return { error: { code, message } };
}

/** On one line of stdout. */
export function printDocument(document: ErrorDocument): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
