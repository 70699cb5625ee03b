/** Upper bounds of the latency histogram, in seconds. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

interface Series {
  readonly counts: number[];
  sum: number;
  total: number;
}

/** Counts of calls by operation and outcome, and how long they took, in the Prometheus text format 0.0.4. */
export class Metrics {
  readonly #calls = new Map<string, Map<string, number>>();
  readonly #durations = new Map<string, Series>();
  #inFlight = 0;

  begin(): void {
    this.#inFlight += 1;
  }

  end(operation: string, outcome: string, seconds: number): void {
    this.#inFlight -= 1;
    let outcomes = this.#calls.get(operation);
    if (outcomes === undefined) this.#calls.set(operation, (outcomes = new Map()));
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    let series = this.#durations.get(operation);
    if (series === undefined) this.#durations.set(operation, (series = { counts: BUCKETS.map(() => 0), sum: 0, total: 0 }));
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) series.counts[bucket]! += 1;
    series.sum += seconds;
    series.total += 1;
  }

  /** @param gauges name → value, with its help. */
  text(gauges: Readonly<Record<string, { help: string; value: number }>>): string {
    const lines = ['# HELP keywright_calls_total Calls by operation and outcome.', '# TYPE keywright_calls_total counter'];
    for (const [operation, outcomes] of this.#calls) {
      for (const [outcome, count] of outcomes) lines.push(`keywright_calls_total{operation="${operation}",outcome="${outcome}"} ${count}`);
    }
    lines.push('# HELP keywright_call_seconds How long calls took.', '# TYPE keywright_call_seconds histogram');
    for (const [operation, { counts, sum, total }] of this.#durations) {
      let below = 0;
      counts.forEach((count, index) => {
        below += count;
        lines.push(`keywright_call_seconds_bucket{operation="${operation}",le="${BUCKETS[index]}"} ${below}`);
      });
      lines.push(`keywright_call_seconds_bucket{operation="${operation}",le="+Inf"} ${total}`, `keywright_call_seconds_sum{operation="${operation}"} ${sum}`, `keywright_call_seconds_count{operation="${operation}"} ${total}`);
    }
    for (const [name, { help, value }] of Object.entries({ ...gauges, keywright_calls_in_flight: { help: 'Calls under way.', value: this.#inFlight } })) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`);
    }
    return `${lines.join('\n')}\n`;
  }
}
