/** What a trial has reached: more accuracy is better, then less loss. */
export interface Score {
  readonly accuracy: number;
  readonly loss: number;
}

export function compareScores(a: Score, b: Score): number {
  return b.accuracy - a.accuracy || finite(a.loss) - finite(b.loss);
}

function finite(loss: number): number {
  return Number.isFinite(loss) ? loss : Number.MAX_VALUE;
}

/** Of the trials of a bracket one in `keptShare` goes on at each rung. */
export const keptShare = 3;
const mostRungs = 3;

/**
 * Epochs after which the worse trials of a bracket are stopped: `epochs` divided by 27, 9 and 3.
 *
 * Successive halving: K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and
 * hyperparameter optimization" (AISTATS 2016), with the factor 3 of L. Li et al., "Hyperband" (JMLR
 * 18, 2018).
 */
export function rungsOf(epochs: number): number[] {
  const rungs = Array.from({ length: mostRungs }, (_, i) =>
    Math.ceil(epochs / keptShare ** (mostRungs - i)),
  );
  return [...new Set(rungs)].filter((rung) => rung < epochs);
}

/**
 * Lets groups of heads of one bracket train one after the other, and meet at each rung, where the best of
 * all of them go on.
 */
export class Barrier {
  readonly #groups: number;
  readonly #decide: (rung: number) => ReadonlySet<number>;
  readonly #rungs = new Map<number, Rung>();
  #left = 0;
  #turn: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  /** @param decide the trials that go on from a rung; called when all groups have come to it */
  constructor(groups: number, decide: (rung: number) => ReadonlySet<number>) {
    this.#groups = groups;
    this.#decide = decide;
  }

  /** Waits until no other group trains. The function given back lets the next one. */
  async takeTurn(): Promise<() => void> {
    const before = this.#turn;
    let release = () => {};
    this.#turn = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    if (this.#failure) {
      release();
      throw this.#failure.error;
    }
    return release;
  }

  /** A group has come to a rung; resolves with the trials that go on when all have. */
  arrive(rung: number): Promise<ReadonlySet<number>> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    const one = this.#rung(rung);
    one.arrived++;
    this.#settle(rung, one);
    return one.decided;
  }

  /** A group has ended: nobody waits for it any more. */
  leave(): void {
    this.#left++;
    for (const [rung, one] of this.#rungs) this.#settle(rung, one);
  }

  /** Ends all waiting. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const one of this.#rungs.values()) one.reject(error);
  }

  #rung(rung: number): Rung {
    const known = this.#rungs.get(rung);
    if (known) return known;
    const made: Partial<Rung> & { arrived: number } = { arrived: 0 };
    const decided = new Promise<ReadonlySet<number>>((resolve, reject) => {
      Object.assign(made, { resolve, reject });
    });
    decided.catch(() => {});
    const rungState = Object.assign(made, { decided }) as Rung;
    this.#rungs.set(rung, rungState);
    return rungState;
  }

  #settle(rung: number, one: Rung): void {
    if (one.arrived + this.#left >= this.#groups) one.resolve(this.#decide(rung));
  }
}

interface Rung {
  arrived: number;
  decided: Promise<ReadonlySet<number>>;
  resolve: (trials: ReadonlySet<number>) => void;
  reject: (error: unknown) => void;
}
