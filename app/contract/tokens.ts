import { z } from 'zod';
import { KeyAlgorithm } from './algorithms.ts';
import { boundedBytes, Bytes } from './bytes.ts';
import { CORE_CAPABILITIES } from './capabilities.ts';
import { PinPolicy, SlotName, TouchPolicy } from './hardware.ts';
import { operation } from './operation.ts';
import { Empty, FileIn, FileOut, FileWritten, FindingRecord, KeyRecord, Label, Timestamp } from './records.ts';

/** Operations on tokens as things: what is plugged in, its PINs, its slots. What keys in tokens do is in `key-use.ts`. */

/** Largest certificate that is put into a token; the token's own limit may be lower. */
const MAX_CERTIFICATE = 64 * 1024;
const MAX_SHARE = 64 * 1024;

/** A token's id, the name that it was given, its serial, or a type of which only one is plugged in. */
const TokenReference = z.string().trim().min(1).max(200);
export const TOKEN_ACTION_NAMES = [
  'initialize', 'change-pin', 'unblock-pin', 'change-puk', 'change-so-pin', 'set-management-key', 'set-retries', 'reset', 'set-identifiers',
  'move-key', 'delete-key', 'attest', 'put-certificate', 'delete-certificate',
  'create-dkek-share', 'import-dkek-share', 'wrap-key', 'unwrap-key',
] as const;

export const TokenRecord = z.strictObject({
  id: z.string(),
  /** The name that it was given here, else model and serial. */
  name: z.string(),
  /** The backend's instance and type. */
  backend: z.string(),
  type: z.string(),
  model: z.string(),
  serial: z.string().nullable(),
  firmware: z.string().nullable(),
  manufacturer: z.string().nullable(),
  label: z.string().nullable(),
  form: z.enum(['usb-a', 'usb-c', 'nano', 'card', 'hsm', 'other']),
  /** Plugged in now. */
  present: z.boolean(),
  reader: z.string().nullable(),
  lastSeenAt: Timestamp,
  /** Keys of it that the inventory knows. */
  keys: z.int(),
});
export type TokenRecord = z.output<typeof TokenRecord>;

export const TokenSecret = z.strictObject({
  kind: z.enum(['pin', 'puk', 'so-pin', 'management-key']),
  state: z.enum(['set', 'default', 'not-set', 'blocked', 'unknown']),
  triesLeft: z.int().nullable(),
  triesAtMost: z.int().nullable(),
  note: z.string().nullable(),
});

const TokenDetail = TokenRecord.extend({
  /** null while it is not plugged in. */
  status: z.strictObject({
    initialised: z.boolean(),
    secrets: z.array(TokenSecret),
    findings: z.array(FindingRecord),
    details: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  }).nullable(),
  /** What its keys can be, and what can be asked for when one is made; empty while it is not plugged in. */
  algorithms: z.array(KeyAlgorithm),
  capabilities: z.array(z.enum(CORE_CAPABILITIES)),
  pinPolicies: z.array(PinPolicy),
  touchPolicies: z.array(TouchPolicy),
  actions: z.array(z.strictObject({ action: z.enum(TOKEN_ACTION_NAMES), available: z.boolean(), reason: z.string().nullable() })),
});

export const SlotRecord = z.strictObject({
  slot: z.string(),
  title: z.string(),
  state: z.enum(['empty', 'key', 'unknown', 'certificate-only', 'unsupported']),
  /** The key that is in it, where the inventory has it. */
  key: KeyRecord.nullable(),
  note: z.string().nullable(),
  /** null: there is no key in it that could have one. */
  pinPolicy: PinPolicy.nullable(),
  touchPolicy: TouchPolicy.nullable(),
  madeOnDevice: z.boolean().nullable(),
  certificate: z.strictObject({
    subject: z.string(), issuer: z.string(), notBefore: Timestamp, notAfter: Timestamp,
    /** `SHA256:` and hex, of the DER. */
    fingerprint: z.string(),
    /** Whether it is for the key in this slot; null when that is not known. */
    fitsKey: z.boolean().nullable(),
    selfSigned: z.boolean(),
  }).nullable(),
  /** What is wrong with the certificate that is there. */
  problem: z.string().nullable(),
});
export type SlotRecord = z.output<typeof SlotRecord>;

const byToken = { input: z.strictObject({ token: TokenReference }), cli: { arguments: ['token'] } } as const;
const bySlot = { input: z.strictObject({ token: TokenReference, slot: SlotName }), cli: { arguments: ['token', 'slot'] } } as const;
const TOKEN_ERRORS = ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'BACKEND_UNAVAILABLE', 'TOKEN_REMOVED'] as const;
const PIN_ERRORS = [...TOKEN_ERRORS, 'PIN_REQUIRED', 'PIN_INCORRECT', 'PIN_BLOCKED', 'TOUCH_TIMEOUT', 'CANCELLED'] as const;
const read = { effect: 'read', permission: 'tokens:read', quiet: true, unhurried: true } as const;
const write = { effect: 'write', permission: 'tokens:write', unhurried: true } as const;
const destroy = { effect: 'destroy', permission: 'tokens:admin', unhurried: true } as const;

export const list = operation({
  id: 'tokens.list', summary: 'List tokens: what is plugged in, and what was before', ...read,
  http: { method: 'GET', path: '/v1/tokens', status: 200 },
  cli: { table: { rows: 'tokens', columns: ['name', 'backend', 'serial', 'firmware', 'present', 'keys', 'id'] } },
  input: z.strictObject({ /** Only what is plugged in. */ present: z.boolean().default(false) }),
  output: z.strictObject({ tokens: z.array(TokenRecord), findings: z.array(FindingRecord) }), errors: [],
});
export const show = operation({
  id: 'tokens.show', summary: 'Show a token: its PINs and tries left, what it can do, what is wrong', ...read,
  http: { method: 'GET', path: '/v1/tokens/{token}', status: 200 }, ...byToken,
  cli: { ...byToken.cli, shown: ['name', 'id', 'serial', 'firmware', 'manufacturer', 'label', 'present', 'reader', 'lastSeenAt', 'keys', 'status.initialised', 'status.secrets', 'status.details', 'algorithms', 'pinPolicies', 'touchPolicies', 'status.findings'] },
  output: TokenDetail, errors: TOKEN_ERRORS,
});
export const watch = operation({
  id: 'tokens.watch', summary: 'Tell of tokens as they are plugged in and taken out', ...read, follows: true,
  http: { method: 'POST', path: '/v1/tokens/watch', status: 200 },
  input: z.strictObject({
    /** End after so many changes, or after so long; without either, when the call is cancelled. */
    changes: z.int().positive().optional(),
    seconds: z.int().positive().max(86_400).optional(),
  }),
  progress: z.strictObject({ type: z.enum(['present', 'inserted', 'removed', 'changed']), token: TokenRecord }),
  output: z.strictObject({ changes: z.int() }), errors: ['CANCELLED'],
});
export const slots = operation({
  id: 'tokens.slots', summary: 'List the slots of a token: keys, certificates and policies', ...read,
  http: { method: 'GET', path: '/v1/tokens/{token}/slots', status: 200 },
  cli: { arguments: ['token'], table: { rows: 'slots', columns: ['slot', 'title', 'state', 'key.label', 'key.algorithm', 'certificate.subject', 'pinPolicy', 'touchPolicy', 'note'] } },
  input: z.strictObject({ token: TokenReference, /** Read the token again instead of giving what was read last. */ refresh: z.boolean().default(false) }),
  output: z.strictObject({ slots: z.array(SlotRecord), /** False: the token may hold keys that it does not tell of. */ complete: z.boolean() }), errors: TOKEN_ERRORS,
});
export const mechanisms = operation({
  id: 'tokens.mechanisms', summary: 'List the PKCS#11 mechanisms of a token with their key sizes and flags', ...read,
  http: { method: 'GET', path: '/v1/tokens/{token}/mechanisms', status: 200 },
  input: byToken.input, cli: { arguments: ['token'], table: { rows: 'mechanisms', columns: ['name', 'minimumBits', 'maximumBits', 'uses'] } },
  output: z.strictObject({
    mechanisms: z.array(z.strictObject({ name: z.string(), code: z.int(), minimumBits: z.int().nullable(), maximumBits: z.int().nullable(), uses: z.array(z.string()) })),
  }), errors: TOKEN_ERRORS,
});
export const rename = operation({
  id: 'tokens.rename', summary: 'Give a token a name of its own in this store', effect: 'write', permission: 'tokens:write',
  http: { method: 'PATCH', path: '/v1/tokens/{token}', status: 200 },
  input: z.strictObject({ token: TokenReference, name: Label.nullable() }), cli: { arguments: ['token', 'name'] },
  output: TokenRecord, errors: TOKEN_ERRORS,
});
export const initialize = operation({
  id: 'tokens.initialize', summary: 'Set up a token anew: everything in it is destroyed', ...destroy,
  http: { method: 'POST', path: '/v1/tokens/{token}/initialize', status: 200 },
  cli: { arguments: ['token'], examples: ['keywright tokens initialize softhsm --label "Build server"'] },
  input: z.strictObject({
    token: TokenReference,
    label: z.string().trim().min(1).max(32).optional(),
    /** SmartCard-HSM: number of DKEK shares that are to be imported; without it, keys can never be wrapped. */
    dkekShares: z.int().min(0).max(255).optional(),
    pinRetries: z.int().min(1).max(10).optional(),
    allowPinReset: z.boolean().optional(),
  }),
  output: Empty, errors: PIN_ERRORS,
});
export const changePin = operation({ id: 'tokens.change-pin', summary: 'Change the PIN', ...write, http: { method: 'POST', path: '/v1/tokens/{token}/change-pin', status: 200 }, ...byToken, output: Empty, errors: PIN_ERRORS });
export const changeSoPin = operation({ id: 'tokens.change-so-pin', summary: 'Change the security officer’s PIN', ...write, http: { method: 'POST', path: '/v1/tokens/{token}/change-so-pin', status: 200 }, ...byToken, output: Empty, errors: PIN_ERRORS });
export const unblockPin = operation({ id: 'tokens.unblock-pin', summary: 'Set a new PIN with the PUK or SO PIN', ...write, http: { method: 'POST', path: '/v1/tokens/{token}/unblock-pin', status: 200 }, ...byToken, output: Empty, errors: PIN_ERRORS });
export const changePuk = operation({ id: 'tokens.change-puk', summary: 'Change the PUK', ...write, http: { method: 'POST', path: '/v1/tokens/{token}/change-puk', status: 200 }, ...byToken, output: Empty, errors: PIN_ERRORS });
export const setManagementKey = operation({
  id: 'tokens.set-management-key', summary: 'Change the management key of a YubiKey', ...write,
  http: { method: 'POST', path: '/v1/tokens/{token}/set-management-key', status: 200 }, cli: { arguments: ['token'] },
  input: z.strictObject({
    token: TokenReference,
    /** Default: what the firmware recommends. */
    algorithm: z.enum(['3des', 'aes-128', 'aes-192', 'aes-256']).optional(),
    /** A random key that the token keeps behind its PIN, so that nobody needs to know it. */
    protect: z.boolean().default(false),
    /** Each use of it needs a touch. */
    touch: z.boolean().default(false),
  }),
  output: Empty, errors: PIN_ERRORS,
});
export const setRetries = operation({
  id: 'tokens.set-retries', summary: 'Set how many tries PIN and PUK have; both are reset and chosen anew', ...write,
  http: { method: 'POST', path: '/v1/tokens/{token}/set-retries', status: 200 }, cli: { arguments: ['token'] },
  input: z.strictObject({ token: TokenReference, pin: z.int().min(1).max(255), puk: z.int().min(1).max(255) }),
  output: Empty, errors: PIN_ERRORS,
});
export const reset = operation({ id: 'tokens.reset', summary: 'Reset a token to how it was delivered: every key and certificate in it is destroyed', ...destroy, http: { method: 'POST', path: '/v1/tokens/{token}/reset', status: 200 }, ...byToken, output: Empty, errors: PIN_ERRORS });
export const setIdentifiers = operation({ id: 'tokens.set-identifiers', summary: 'Write a new CHUID and CCC, without which some systems do not see the card', ...write, http: { method: 'POST', path: '/v1/tokens/{token}/set-identifiers', status: 200 }, ...byToken, output: Empty, errors: PIN_ERRORS });
export const moveKey = operation({
  id: 'tokens.move-key', summary: 'Move a key into another slot of its token', ...write,
  http: { method: 'POST', path: '/v1/tokens/{token}/move-key', status: 200 }, cli: { arguments: ['token', 'from', 'to'] },
  input: z.strictObject({ token: TokenReference, from: SlotName, to: SlotName }), output: KeyRecord, errors: PIN_ERRORS,
});
export const deleteKey = operation({ id: 'tokens.delete-key', summary: 'Destroy the key in a slot', ...destroy, http: { method: 'DELETE', path: '/v1/tokens/{token}/slots/{slot}/key', status: 200 }, ...bySlot, output: Empty, errors: PIN_ERRORS });
export const attest = operation({
  id: 'tokens.attest', summary: 'Have the token attest that a key was made in it, and check that', effect: 'use', permission: 'tokens:read', unhurried: true, check: 'verified',
  http: { method: 'POST', path: '/v1/tokens/{token}/slots/{slot}/attest', status: 200 }, input: bySlot.input, cli: { arguments: ['token', 'slot'], shown: ['verified', 'statements', 'problems'], outs: { 'chain-out': 'chainFile' } },
  output: z.strictObject({ verified: z.boolean(), statements: z.array(z.string()), problems: z.array(z.string()), chain: z.array(Bytes), chainFormat: z.enum(['x509', 'cvc']), pem: z.string(), /** The chain as a file: PEM, or for `cvc` one after the other, as cards keep them. */ chainFile: Bytes }), errors: PIN_ERRORS,
});
export const putCertificate = operation({
  id: 'tokens.put-certificate', summary: 'Put a certificate into a slot, beside its key', ...write,
  http: { method: 'PUT', path: '/v1/tokens/{token}/slots/{slot}/certificate', status: 200 },
  cli: { arguments: ['token', 'slot', 'file'], without: ['from'], files: { file: 'certificate', in: 'certificate' }, shown: ['slot', 'title', 'key.label', 'key.fingerprint', 'certificate.subject', 'certificate.issuer', 'certificate.notAfter', 'certificate.fitsKey'] },
  input: z.strictObject({ token: TokenReference, slot: SlotName, /** X.509, DER or PEM: the bytes, or the file itself. */ certificate: boundedBytes(MAX_CERTIFICATE).optional(), from: FileIn.optional() }), output: SlotRecord, errors: PIN_ERRORS,
});
export const getCertificate = operation({
  id: 'tokens.get-certificate', summary: 'Read the certificate of a slot', ...read,
  http: { method: 'GET', path: '/v1/tokens/{token}/slots/{slot}/certificate', status: 200 }, input: bySlot.input, cli: { arguments: ['token', 'slot'], out: 'certificate' },
  output: z.strictObject({ /** PEM. */ certificate: Bytes, fingerprint: z.string() }), errors: TOKEN_ERRORS,
});
export const deleteCertificate = operation({ id: 'tokens.delete-certificate', summary: 'Delete the certificate of a slot; its key stays', ...write, http: { method: 'DELETE', path: '/v1/tokens/{token}/slots/{slot}/certificate', status: 200 }, ...bySlot, output: Empty, errors: PIN_ERRORS });
export const createDkekShare = operation({
  id: 'tokens.dkek.create-share', summary: 'Make a share of a device key encryption key, protected by a password', ...write,
  http: { method: 'POST', path: '/v1/tokens/{token}/dkek/shares', status: 201 }, cli: { arguments: ['token'], without: ['to'], out: 'share', secretOut: true },
  input: z.strictObject({
    token: TokenReference,
    /** Split the password: `threshold` of `total` parts are needed to use the share. */
    threshold: z.int().min(2).max(20).optional(),
    total: z.int().min(2).max(20).optional(),
    /** Write it to a file instead of giving it in the answer. */
    to: FileOut.optional(),
  }),
  output: z.strictObject({ share: Bytes.optional(), written: FileWritten.optional(), keyCheckValue: z.string().nullable() }), errors: PIN_ERRORS,
});
export const importDkekShare = operation({
  id: 'tokens.dkek.import-share', summary: 'Import a share of a device key encryption key', ...write,
  http: { method: 'POST', path: '/v1/tokens/{token}/dkek/import', status: 200 }, cli: { arguments: ['token', 'file'], without: ['from'], files: { file: 'share', in: 'share' } },
  input: z.strictObject({ token: TokenReference, share: boundedBytes(MAX_SHARE).optional(), from: FileIn.optional(), /** Its password was split, and so many parts are given. */ passwordParts: z.int().min(2).max(20).optional() }),
  output: z.strictObject({ outstanding: z.int(), keyCheckValue: z.string().nullable() }), errors: PIN_ERRORS,
});
export const wrapKey = operation({
  id: 'tokens.wrap-key', summary: 'Take a key out of a SmartCard-HSM, wrapped under its device key encryption key', effect: 'use', permission: 'tokens:admin', unhurried: true,
  http: { method: 'POST', path: '/v1/tokens/{token}/slots/{slot}/wrap', status: 200 }, cli: { arguments: ['token', 'slot'], without: ['to'], out: 'wrapped' },
  input: bySlot.input.extend({ /** Write it to a file instead of giving it in the answer. */ to: FileOut.optional() }),
  output: z.strictObject({ wrapped: Bytes.optional(), written: FileWritten.optional() }), errors: PIN_ERRORS,
});
export const unwrapKey = operation({
  id: 'tokens.unwrap-key', summary: 'Put a wrapped key into a SmartCard-HSM with the same device key encryption key', ...write,
  http: { method: 'POST', path: '/v1/tokens/{token}/unwrap', status: 201 }, cli: { arguments: ['token', 'file'], without: ['from'], files: { file: 'wrapped', in: 'wrapped' } },
  input: z.strictObject({ token: TokenReference, wrapped: boundedBytes(MAX_SHARE).optional(), from: FileIn.optional(), slot: SlotName.optional(), label: Label.optional() }), output: KeyRecord, errors: PIN_ERRORS,
});
