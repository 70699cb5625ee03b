/** What opening a file may cost: more is refused before it begins, so that no file keeps a core busy for minutes or takes the memory. */

interface Limits {
  /** Of PBKDF2. The old derivations, which run in JavaScript, get a tenth of it, bcrypt a ten-thousandth; a file altogether five times as many ({@link Spending}). */
  readonly rounds: number;
  /** MiB for scrypt and Argon2; minisign, which always takes it, gets four times as much. */
  readonly memory: number;
}

export const DEFAULT_LIMITS: Limits = { rounds: 10_000_000, memory: 256 };
/** How a person raises them; errors say so. */
export const [ROUNDS_SETTING, MEMORY_SETTING] = ['formats.maxRounds', 'formats.maxMemoryMiB'];

let source = (): Limits => DEFAULT_LIMITS;

/** The settings of this process are asked each time, so that a change of them holds at once. */
export function limitsFrom(asked: () => Limits): void {
  source = asked;
}

export const limits = (): Limits => source();
/** A round of bcrypt (OpenSSH, signify), which runs in JavaScript, takes longer than so many of PBKDF2. */
export const BCRYPT_ROUND = 10_000;
export const bcryptRounds = (): number => Math.ceil(limits().rounds / BCRYPT_ROUND);
export const oldRounds = (): number => Math.ceil(limits().rounds / 10);
export const memoryBytes = (): number => limits().memory * 2 ** 20;

/** @returns what an error about rounds ends with. */
export const mostRounds = (most: number): string => `${most} is the most (setting ${ROUNDS_SETTING})`;
