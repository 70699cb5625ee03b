import { hash } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import type { KeyRing } from './keys.ts';
import { checkKdf, MAX_SLOTS, WRAPPED_BYTES, type Slot, type SlotKdf } from './slots.ts';
import type { StoreHeader } from './types.ts';

export const HEADER_KEY = 'header';
/** What this program writes. Older ones are brought to it by `migrations.ts`. */
export const FORMAT_VERSION = 2;

const FORMAT = 'keywright-store';
const MAX_HEADER_BYTES = 256 * 1024;

export interface Header extends StoreHeader {
  readonly slots: readonly Slot[];
}

export interface ParsedHeader {
  readonly header: Header;
  /** The text that the code covers. */
  readonly text: string;
  /** HMAC-SHA256 under the header key, to be checked once the root key is known. */
  readonly mac: Buffer;
}

/**
 * Three lines: the header in JSON, the HMAC-SHA256 of that line, the SHA-256 of both lines. The last one tells damage
 * from a wrong passphrase before there is a key; only the second one proves anything.
 */
export function encodeHeader(keys: KeyRing, { id, name, formatVersion, createdAt, slots }: Header): { value: Buffer; text: string; mac: Buffer } {
  const text = JSON.stringify({ format: FORMAT, formatVersion, id, name, createdAt, slots });
  const mac = keys.headerMac(text);
  const proven = `${text}\n${mac.toString('hex')}\n`;
  return { value: Buffer.from(`${proven}${hash('sha256', proven)}\n`), text, mac };
}

/** @throws CORRUPT_RECORD (`where`: header), STORE_TOO_NEW */
export function parseHeader(value: Uint8Array, newest = FORMAT_VERSION): ParsedHeader {
  if (value.length > MAX_HEADER_BYTES) throw corruptHeader('it is too long');
  const [text = '', mac = '', sum = '', ...rest] = Buffer.from(value).toString('utf8').split('\n');
  if (rest.length !== 1 || rest[0] !== '' || hash('sha256', `${text}\n${mac}\n`) !== sum) throw corruptHeader('its checksum does not match');
  const json = parseJson(text);
  if (json['format'] !== FORMAT || !Number.isSafeInteger(json['formatVersion'])) throw corruptHeader('it is not the header of a store');
  const formatVersion = json['formatVersion'] as number;
  if (formatVersion > newest) {
    throw new KeywrightError('STORE_TOO_NEW', {
      detail: `The store has format ${formatVersion}; this version of Keywright knows formats up to ${newest}.`,
      remedy: 'Open it with the version of Keywright that wrote it, or a newer one.',
    });
  }
  const slots = json['slots'];
  if (!Array.isArray(slots) || slots.length < 1 || slots.length > MAX_SLOTS) throw corruptHeader('its unlock slots are missing');
  return {
    header: {
      id: textOf(json, 'id', /^[0-9a-f]{32}$/),
      name: textOf(json, 'name', /^[^]{1,100}$/),
      formatVersion,
      createdAt: textOf(json, 'createdAt', TIME),
      slots: slots.map(parseSlot),
    },
    text,
    mac: Buffer.from(textOf({ mac }, 'mac', /^[0-9a-f]{64}$/), 'hex'),
  };
}

/** Without what only unlocking needs. */
export function describeHeader({ id, name, formatVersion, createdAt, slots }: Header): StoreHeader {
  return {
    id, name, formatVersion, createdAt,
    slots: slots.map((slot) => ({ id: slot.id, kind: slot.kind, label: slot.label, createdAt: slot.createdAt })),
  };
}

export function corruptHeader(why: string): KeywrightError {
  return new KeywrightError('CORRUPT_RECORD', {
    detail: `The store's header is damaged: ${why}.`,
    remedy: 'Restore the store from a backup. Its files were left as they are.',
    where: 'header',
  });
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function parseSlot(value: unknown): Slot {
  const slot = asObject(value);
  return {
    id: textOf(slot, 'id', /^[0-9a-f]{16}$/),
    kind: textOf(slot, 'kind', /^[a-z0-9][a-z0-9-]{0,39}$/),
    label: textOf(slot, 'label', /^[^]{1,100}$/),
    createdAt: textOf(slot, 'createdAt', TIME),
    kdf: parseKdf(asObject(slot['kdf'])),
    wrapped: textOf(slot, 'wrapped', new RegExp(`^[0-9a-f]{${2 * WRAPPED_BYTES}}$`)),
  };
}

function parseKdf(kdf: Record<string, unknown>): SlotKdf {
  const salt = textOf(kdf, 'salt', /^[0-9a-f]{32}$/);
  if (kdf['algorithm'] === 'hkdf-sha256') return { algorithm: 'hkdf-sha256', salt };
  if (kdf['algorithm'] !== 'argon2id') throw corruptHeader('a slot names a key derivation that is not known');
  const parameters = { memoryKiB: kdf['memoryKiB'] as number, passes: kdf['passes'] as number, parallelism: kdf['parallelism'] as number };
  try {
    checkKdf(parameters);
  } catch (thrown) {
    throw corruptHeader(`a slot's key derivation cannot be right (${(thrown as Error).message})`);
  }
  return { algorithm: 'argon2id', ...parameters, salt };
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text));
  } catch {
    throw corruptHeader('it is not JSON');
  }
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corruptHeader('a part of it is missing');
  return value as Record<string, unknown>;
}

function textOf(from: Record<string, unknown>, name: string, shape: RegExp): string {
  const value = from[name];
  if (typeof value !== 'string' || !shape.test(value)) throw corruptHeader(`its ${name} is not valid`);
  return value;
}
