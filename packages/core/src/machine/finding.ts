/** One thing that Headstart may use. */
export interface Finding {
  readonly name: string;
  /** `absent`: Headstart works without it; `broken`: something that was asked for will fail. */
  readonly state: 'ready' | 'absent' | 'broken';
  /** What is there, or why it is not. */
  readonly detail: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
}
