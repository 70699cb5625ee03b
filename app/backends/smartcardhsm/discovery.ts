import { KeywrightError } from '../../contract/index.ts';
import { dataOf, findTlv, parseTlv, parseTlvs, type Channel } from '../../devices/index.ts';
import { FILE, OPTION, REFERENCE } from './applet.ts';
import { parseCvcs, type Cvc } from './cvc.ts';
import { pinState, readControlParameters, readFile, select, type PinState } from './session.ts';

/** What is learnt of a SmartCard-HSM when it is put in, without a secret. */
export interface Discovered {
  /** The holder's reference of its device certificate, without the five digits that count. */
  readonly serial: string;
  readonly version: readonly [major: number, minor: number] | null;
  readonly label: string | null;
  readonly initialised: boolean;
  /** Whether the SO PIN may set a new PIN. */
  readonly mayReset: boolean;
  /** The device's own, then its issuer's. */
  readonly certificates: readonly Cvc[];
}

const SEQUENCE_DIGITS = 5;

/**
 * Asks a card whether it is a SmartCard-HSM, and which. The application is selected afterwards.
 * @param saysSo  its answer to reset calls it one; of another card the control parameters must tell a version, since some select whatever they are asked for.
 * @returns undefined when it is none after all.
 */
export async function discover(channel: Channel, saysSo = true): Promise<Discovered | undefined> {
  const selected = await select(channel);
  if (selected.sw !== 0x9000) return undefined;
  const { version, options } = readControlParameters(dataOf(selected, 'The SmartCard-HSM application was not selected'));
  if (!saysSo && version === null) return undefined;
  const certificates = certificatesIn(await readable(channel, FILE.deviceCertificates));
  const info = await readable(channel, FILE.tokenInfo);
  const officer = await pinState(channel, REFERENCE.officerPin);
  const user = await pinState(channel, REFERENCE.pin);
  return {
    serial: certificates[0]?.holder.slice(0, -SEQUENCE_DIGITS) ?? 'unnamed', version, certificates, label: labelIn(info),
    initialised: isThere(user) || (isThere(officer) && user.state === 'transport' && (version === null || version[0] >= 2)), mayReset: (options & OPTION.resetRetryCounter) !== 0,
  };
}

/** What a card refuses with when it does not let a file be read. It works without. */
const REFUSALS: ReadonlySet<string> = new Set(['PIN_REQUIRED', 'CAPABILITY_MISSING', 'NOT_FOUND', 'INVALID_INPUT']);

function readable(channel: Channel, file: number): Promise<Uint8Array | undefined> {
  return readFile(channel, file, 'It was not read').catch((thrown: unknown) => {
    if (thrown instanceof KeywrightError && REFUSALS.has(thrown.code)) return undefined;
    throw thrown;
  });
}

/** A PIN that counts tries. "Not usable" of both is what some say of a card that was never set up. */
const isThere = ({ state }: PinState): boolean => state === 'set' || state === 'blocked';

/** Of what is no certificate nothing is known: the card works without. */
function certificatesIn(bytes: Uint8Array | undefined): Cvc[] {
  try {
    return parseCvcs(bytes ?? new Uint8Array(0), 'the device certificate');
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return [];
    throw thrown;
  }
}

/** The label in TokenInfo (ISO/IEC 7816-15 §8.10), which is [0]. */
function labelIn(info: Uint8Array | undefined): string | null {
  try {
    const label = findTlv(parseTlvs(parseTlv(info ?? new Uint8Array(0), 0x30, 'the token’s information'), 'the token’s information'), 0x80);
    const text = label === undefined ? '' : Buffer.from(label).toString('utf8').trim();
    return text === '' ? null : text;
  } catch {
    return null;
  }
}
