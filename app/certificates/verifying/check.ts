/** One thing that was looked at, and what came of it. */
export interface Check {
  /** `signature`, `validity`, `name-constraints` … */
  readonly check: string;
  /** `unknown` is not good: it fails where it is asked for. */
  readonly outcome: 'ok' | 'failed' | 'warning' | 'unknown';
  readonly sentence: string;
  /** `RFC 5280 §6.1.3 (a)(1)` */
  readonly rule: string | null;
}

/** Collects the checks of one certificate. */
export class Checks {
  readonly all: Check[] = [];

  ok(check: string, sentence: string, rule: string | null = null): void {
    this.all.push({ check, outcome: 'ok', sentence, rule });
  }

  fail(check: string, sentence: string, rule: string | null = null): void {
    this.all.push({ check, outcome: 'failed', sentence, rule });
  }

  warn(check: string, sentence: string, rule: string | null = null): void {
    this.all.push({ check, outcome: 'warning', sentence, rule });
  }

  unknown(check: string, sentence: string, rule: string | null = null): void {
    this.all.push({ check, outcome: 'unknown', sentence, rule });
  }

  /** What issuers must do: refused when `strict`, else told. */
  must(strict: boolean, check: string, sentence: string, rule: string | null): void {
    if (strict) this.fail(check, sentence, rule);
    else this.warn(check, sentence, rule);
  }

  get failed(): boolean {
    return this.all.some(({ outcome }) => outcome === 'failed');
  }
}
