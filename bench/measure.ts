/** What benchmarks share: medians over rounds in which the raw operation and ours take turns, so that a busy machine slows both. */

export const ROUNDS = 5;

export interface Ratio {
  readonly name: string;
  /** Ours over raw, of throughput (higher is better) or of time (lower is better). */
  readonly ratio: number;
  readonly target: string;
  readonly met: boolean;
  readonly ours: readonly number[];
  readonly raw: readonly number[];
  readonly unit: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** @returns operations per second of `work`, with `inFlight` of them at a time, over about `seconds`. */
export async function throughput(work: () => Promise<unknown>, inFlight: number, seconds = 1): Promise<number> {
  const end = performance.now() + seconds * 1000;
  const started = performance.now();
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      await work();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return done / ((performance.now() - started) / 1000);
}

export async function seconds(work: () => Promise<unknown> | unknown): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Measures both in turns. `least`: ours must reach that share of raw; `most`: ours may take that many times as long. */
export async function compare(name: string, unit: string, target: { least: number } | { most: number }, raw: () => Promise<number>, ours: () => Promise<number>): Promise<Ratio> {
  const measured = { ours: [] as number[], raw: [] as number[] };
  await raw();
  await ours();
  for (let round = 0; round < ROUNDS; round += 1) {
    measured.raw.push(await raw());
    measured.ours.push(await ours());
  }
  const ratio = median(measured.ours) / median(measured.raw);
  const met = 'least' in target ? ratio >= target.least : ratio <= target.most;
  return { name, ratio, target: 'least' in target ? `≥ ${target.least}` : `≤ ${target.most}`, met, ...measured, unit };
}

export interface Reading {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: string;
  readonly met: boolean;
}

export function reading(name: string, values: readonly number[], unit: string, below: number): Reading {
  const value = median(values);
  return { name, value, unit, target: `< ${below} ${unit}`, met: value < below };
}

export function print(result: Ratio | Reading): void {
  const value = 'ratio' in result ? `${result.ratio.toFixed(2)} × raw  (${short(median(result.ours))} against ${short(median(result.raw))} ${result.unit})` : `${short(result.value)} ${result.unit}`;
  process.stdout.write(`${result.met ? 'meets ' : 'MISSES'}  ${result.name}: ${value}, target ${result.target}\n`);
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3);
}
