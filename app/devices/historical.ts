/** What a card says of its commands' lengths in the historical bytes of its answer to reset (ISO/IEC 7816-4 §8.1.1.2.7). */
export interface CardCapabilities {
  /** It puts commands together that come in several blocks. */
  readonly chaining: boolean;
  /** It takes up to 65,535 bytes at once. */
  readonly extended: boolean;
}

/** Category indicators (§8.1.1): objects follow, with a status of three bytes behind them or without. */
const CATEGORY = { withStatus: 0x00, plain: 0x80 } as const;
const STATUS_LENGTH = 3;
const CAPABILITIES = 0x7;
const CHAINING = 0x80;
const EXTENDED = 0x40;

/** @returns what the card says; undefined when it says nothing, or its answer to reset is none. */
export function capabilitiesIn(atr: Uint8Array): CardCapabilities | undefined {
  const bytes = historicalBytes(atr);
  const [category] = bytes;
  if (category !== CATEGORY.plain && category !== CATEGORY.withStatus) return undefined;
  const end = category === CATEGORY.plain ? bytes.length : bytes.length - STATUS_LENGTH;
  // Compact TLV: four bits of tag, four of length.
  for (let at = 1; at < end;) {
    const head = bytes[at] as number;
    const length = head & 0x0f;
    const third = bytes[at + 3];
    if (head >> 4 === CAPABILITIES && at + length < end) return length < 3 || third === undefined ? undefined : { chaining: (third & CHAINING) !== 0, extended: (third & EXTENDED) !== 0 };
    at += 1 + length;
  }
  return undefined;
}

/** ISO/IEC 7816-3 §8.2: format byte, then interface bytes as each last one of them announces, then these. */
function historicalBytes(atr: Uint8Array): Uint8Array {
  let at = 1;
  let announced = (atr[at] ?? 0) >> 4;
  const count = (atr[at] ?? 0) & 0x0f;
  at += 1;
  while (announced !== 0) {
    // TA, TB, TC, and TD, which announces the next ones.
    const interfaceBytes = [1, 2, 4, 8].filter((bit) => (announced & bit) !== 0).length;
    const next = (announced & 8) === 0 ? 0 : (atr[at + interfaceBytes - 1] ?? 0) >> 4;
    at += interfaceBytes;
    announced = next;
    if (at > atr.length) return new Uint8Array(0);
  }
  return atr.subarray(at, at + count);
}
