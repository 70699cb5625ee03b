export type Strength = 0 | 1 | 2 | 3 | 4;

/**
 * Powers of ten of guesses from which a secret deserves each step. Higher than for passwords of websites: a store that
 * is copied can be guessed at without limits, slowed by Argon2id alone.
 */
const STEPS = [6, 9, 12, 16] as const;

let checker: Promise<(secret: string) => number> | undefined;

/** @returns how well a secret resists guessing, 0 to 4. The estimator is loaded at its first use; nothing leaves this page. */
export async function strengthOf(secret: string): Promise<Strength> {
  checker ??= Promise.all([import('@zxcvbn-ts/core'), import('@zxcvbn-ts/language-common')]).then(([{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }]) => {
    const factory = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
    return (text) => factory.check(text).guessesLog10;
  });
  // Longer ones are strong anyway, and the estimate takes its time on them.
  const guesses = (await checker)(secret.slice(0, 64));
  return STEPS.filter((step) => guesses >= step).length as Strength;
}
