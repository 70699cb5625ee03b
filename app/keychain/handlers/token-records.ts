import { X509Certificate } from 'node:crypto';
import type { OutputOf, SlotRecord, TokenRecord, tokenOperations } from '../../contract/index.ts';
import { fingerprint } from '../../formats/index.ts';
import type { Finding } from '../../keystore/registry.ts';
import type { TokenSlot } from '../../keystore/tokens.ts';
import { primary, PUBLIC_PREFIX, recordOf, type StoredKey } from '../inventory.ts';
import type { KnownToken } from '../known-tokens.ts';
import type { Session } from '../session.ts';
import { titleOf } from '../stored-key.ts';

/** Tokens, slots and findings as the contract gives them. */

/** @returns what people call a token: the name that they gave it, else its model and serial number. */
export function nameOf({ name, facts }: KnownToken): string {
  return name ?? titleOf(facts);
}

/** @returns the token as every face gives it. */
export function tokenRecord(known: KnownToken, { backends, inventory }: Session): TokenRecord {
  const { facts, instance, type, lastSeenAt } = known;
  const present = backends.tokens.get(facts.id);
  const now = present?.token.facts ?? facts;
  return {
    id: now.id, name: nameOf(known), backend: instance, type, model: now.model, serial: now.serial, firmware: now.firmware, manufacturer: now.manufacturer, label: now.label, form: now.form,
    present: present !== undefined, reader: present === undefined ? null : now.reader, lastSeenAt: present === undefined ? lastSeenAt : new Date().toISOString(), keys: inventory.ofToken(facts.id).length,
  };
}

/** @param token id of the token that the slot is in */
export async function slotRecord(slot: TokenSlot, token: string, session: Session): Promise<SlotRecord> {
  const key = session.inventory.ofToken(token).find(({ ref, hardware }) => (slot.key !== null && ref === slot.key) || (slot.key === null && slot.state === 'unknown' && hardware?.slot === slot.slot));
  const { certificate, problem } = slot.certificate === null ? { certificate: null, problem: null } : await certificateRecord(slot.certificate, key, session);
  return {
    slot: slot.slot, title: slot.title, state: slot.state, key: key === undefined ? null : recordOf(key, session), note: slot.note,
    pinPolicy: slot.pinPolicy, touchPolicy: slot.touchPolicy, madeOnDevice: slot.madeOnDevice, certificate, problem,
  };
}

async function certificateRecord(der: Uint8Array, key: StoredKey | undefined, session: Session): Promise<Pick<SlotRecord, 'certificate' | 'problem'>> {
  try {
    const certificate = new X509Certificate(der);
    const name = key === undefined ? null : primary(key).fingerprint;
    const own = fingerprint(certificate.publicKey.export({ type: 'spki', format: 'der' }));
    const known = name === null ? undefined : await session.storage.get(PUBLIC_PREFIX + name);
    return {
      certificate: {
        subject: oneLine(certificate.subject), issuer: oneLine(certificate.issuer), notBefore: new Date(certificate.validFrom).toISOString(), notAfter: new Date(certificate.validTo).toISOString(),
        fingerprint: fingerprint(der), fitsKey: known === undefined ? null : own === name, selfSigned: certificate.subject === certificate.issuer,
      },
      problem: null,
    };
  } catch {
    return { certificate: null, problem: 'What is stored as its certificate is not an X.509 certificate.' };
  }
}

export function findingRecord({ remedy, ...finding }: Finding): OutputOf<typeof tokenOperations.list>['findings'][number] {
  return { ...finding, remedy: remedy ?? null };
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');
