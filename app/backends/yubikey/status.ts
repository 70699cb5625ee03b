import type { Finding } from '../../keystore/registry.ts';
import type { TokenSecretStatus, TokenStatus } from '../../keystore/tokens.ts';
import { guidIn } from './discovery.ts';
import { MANAGEMENT_ALGORITHMS, managementFacts, type ManagementFacts } from './management-key.ts';
import { tryObject } from './objects.ts';
import { KEY_ALGORITHMS } from '../../contract/index.ts';
import { OBJECT, PIN_REFERENCE, PUK_REFERENCE } from './piv.ts';
import { pinTries, referenceMetadata } from './secrets.ts';
import type { PivChannel } from './session.ts';
import type { YubiKey } from './yubikey.ts';

/** How a YubiKey stands: its secrets, asked without spending a try, and what a person should do about it. */
export async function statusOf(key: YubiKey): Promise<TokenStatus> {
  const pin = await secretStatus(key, 'pin');
  const puk = await secretStatus(key, 'puk');
  const management = await managementFacts(key);
  const { chuid, ccc } = await key.session.run(async (piv) => ({ chuid: await identifier(piv, OBJECT.chuid), ccc: await identifier(piv, OBJECT.ccc) }));
  const { discovered, facts, gates } = key;
  const guid = chuid === undefined ? null : guidIn(chuid);
  return {
    initialised: true,
    secrets: [pin, puk, managementStatus(management)],
    findings: [...secretFindings(key, pin, puk, management), ...identityFindings(key, chuid !== undefined && ccc !== undefined), ...weakKeys(key)],
    details: [
      { name: 'Firmware', value: facts.firmware ?? 'unknown' },
      ...(discovered.piv.join('.') === facts.firmware ? [] : [{ name: 'PIV application', value: discovered.piv.join('.') }]),
      ...(discovered.formFactor === null ? [] : [{ name: 'Form factor', value: discovered.formFactor }]),
      ...(discovered.fips ? [{ name: 'Certification', value: 'FIPS' }] : []),
      ...(guid === null ? [] : [{ name: 'CHUID (card identifier)', value: guid }]),
      { name: 'Slots', value: String(gates.slots.length) },
    ],
  };
}

/** What cannot be read is not there for others either. */
async function identifier(piv: PivChannel, id: number): Promise<Uint8Array | undefined> {
  const read = await tryObject(piv, id);
  return typeof read === 'number' ? undefined : read;
}

async function secretStatus(key: YubiKey, kind: 'pin' | 'puk'): Promise<TokenSecretStatus> {
  const metadata = await referenceMetadata(key, kind === 'pin' ? PIN_REFERENCE : PUK_REFERENCE);
  const left = metadata === undefined ? (kind === 'pin' ? (await pinTries(key)).left : null) : metadata.left;
  const state = left === 0 ? 'blocked' : metadata === undefined ? 'unknown' : metadata.isDefault ? 'default' : 'set';
  return { kind, state, triesLeft: left, triesAtMost: metadata?.total ?? null, note: left === 1 ? 'last try' : null };
}

function managementStatus({ algorithm, isDefault, kept, touchPolicy }: ManagementFacts): TokenSecretStatus {
  const notes = [
    MANAGEMENT_ALGORITHMS[algorithm].title, ...(kept === 'protected' ? ['protected by the PIN'] : kept === 'derived' ? ['derived from the PIN'] : []), ...(touchPolicy === 'always' || touchPolicy === 'cached' ? ['needs a touch'] : []),
  ];
  return { kind: 'management-key', state: isDefault === null ? 'unknown' : isDefault ? 'default' : 'set', triesLeft: null, triesAtMost: null, note: notes.join(', ') };
}

function secretFindings({ facts: { id }, title }: YubiKey, pin: TokenSecretStatus, puk: TokenSecretStatus, management: ManagementFacts): Finding[] {
  const warning = (code: string, detail: string, remedy: string): Finding => ({ level: 'warning', code: `yubikey.${code}`, detail, remedy });
  const found: Finding[] = [];
  if (pin.state === 'default') found.push(warning('default-pin', `The PIN of ${title} is the one that every YubiKey is delivered with.`, `Change it: \`keywright tokens change-pin ${id}\`.`));
  if (puk.state === 'default') found.push(warning('default-puk', `The PUK of ${title} is the one that every YubiKey is delivered with.`, `Change it: \`keywright tokens change-puk ${id}\`.`));
  if (management.isDefault === true) found.push(warning('default-management-key', `The management key of ${title} is the one that every YubiKey is delivered with: any program may write keys and certificates.`, `Change it: \`keywright tokens set-management-key ${id} --protect\`.`));
  if (management.kept === 'derived') found.push(warning('derived-management-key', `The management key of ${title} is derived from its PIN, as old programs did, and so is as weak as that.`, `Replace it: \`keywright tokens set-management-key ${id} --protect\`.`));
  if (pin.state === 'blocked' && puk.state === 'blocked') found.push({ level: 'problem', code: 'yubikey.blocked', detail: `PIN and PUK of ${title} are blocked: its keys cannot be used any more.`, remedy: `Only a reset is left, which destroys them: \`keywright tokens reset ${id}\`.` });
  else if (pin.state === 'blocked') found.push({ level: 'problem', code: 'yubikey.pin-blocked', detail: `The PIN of ${title} is blocked.`, remedy: `Set a new one with the PUK: \`keywright tokens unblock-pin ${id}\`.` });
  else if (puk.state === 'blocked') found.push(warning('puk-blocked', `The PUK of ${title} is blocked: a blocked PIN could not be unblocked.`, 'Take care of the PIN. Setting the retries anew, or a reset, gives a new PUK.'));
  return found;
}

function identityFindings({ facts: { id }, title }: YubiKey, complete: boolean): Finding[] {
  if (complete) return [];
  return [{ level: 'ok', code: 'yubikey.no-identifiers', detail: `${title} has no CHUID or CCC: Windows and macOS may not see it as a smart card.`, remedy: `Write them: \`keywright tokens set-identifiers ${id}\`.` }];
}

/** RSA keys that were made by a firmware whose keys can be factored. */
function weakKeys(key: YubiKey): Finding[] {
  if (!key.gates.weakRsa) return [];
  const suspects = [...key.slots.values()].filter(({ key: held }) => held !== null && KEY_ALGORITHMS[held.algorithm].family === 'rsa' && held.madeOnDevice !== false);
  return suspects.map(({ slot, key: held }) => ({
    level: held?.madeOnDevice === true ? 'problem' : 'warning', code: 'yubikey.weak-rsa', detail: `The RSA key in slot ${slot.name} ${held?.madeOnDevice === true ? 'was' : 'may have been'} made by firmware ${key.facts.firmware}, whose RSA keys can be factored (ROCA, CVE-2017-15361).`,
    remedy: 'Stop using it. Make an EC key, or make an RSA key elsewhere and import it.',
  }));
}
