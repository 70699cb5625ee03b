import { z } from 'zod';
import { KeyAlgorithm, USAGES } from './algorithms.ts';
import { CORE_CAPABILITIES } from './capabilities.ts';
import { HardwareFacts } from './hardware.ts';
import { Mending } from './mending.ts';

/** Records that several operations share. Times are RFC 3339 in UTC with milliseconds. */

export const Timestamp = z.iso.datetime();
export const Label = z.string().trim().min(1).max(200);
export const Tag = z.string().trim().min(1).max(100);
export const Tags = z.array(Tag).max(50);
export const UsageName = z.enum(USAGES);
/** A key URI, an id, or a label when it is unique. */
export const KeyReference = z.string().trim().min(1).max(1024);
export const BackendName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, at most 63');
export const Limit = z.int().min(1).max(1000);
export const Cursor = z.string().max(2000);

/** What `doctor.run` and `backends.diagnose` find. */
export const FindingRecord = z.strictObject({
  level: z.enum(['ok', 'warning', 'problem']),
  code: z.string(),
  detail: z.string(),
  remedy: z.string().nullable(),
});

/** What is weak about a key that is held. */
export const KeyFinding = FindingRecord.extend({ /** What mends it, as a call; the best one first. */ mendedBy: z.array(Mending) });
export type KeyFinding = z.output<typeof KeyFinding>;

/** NIST SP 800-57 part 1 rev. 5, §7. */
export const KeyState = z.enum(['pre-active', 'active', 'suspended', 'deactivated', 'compromised', 'destroyed']);

export const KeyRecord = z.strictObject({
  uri: z.string(),
  id: z.string(),
  label: z.string(),
  backend: z.string(),
  algorithm: KeyAlgorithm,
  usages: z.array(UsageName),
  state: KeyState,
  createdAt: Timestamp,
  notBefore: Timestamp.nullable(),
  notAfter: Timestamp.nullable(),
  extractable: z.boolean(),
  protection: z.enum(['store', 'store+passphrase', 'token', 'hsm', 'tpm', 'cloud']),
  /** The primary version. */
  version: z.int().positive(),
  versions: z.int().positive(),
  /** `SHA256:` and the hex SHA-256 of the primary version's SubjectPublicKeyInfo; null for symmetric keys. */
  fingerprint: z.string().nullable(),
  /** Ids of certificates for this key. */
  certificates: z.array(z.string()),
  tags: z.array(z.string()),
  origin: z.enum(['generated', 'imported', 'found']),
  /** In the trash until then; null: not in the trash. */
  trashedUntil: Timestamp.nullable(),
  /** For keys in tokens; null for all others. */
  hardware: HardwareFacts.nullable(),
  /** Whether its place is there now: false for a key in a token that is out. */
  present: z.boolean(),
  /** URIs of other keys that hold the same key pair. Given by `keys.show`. */
  alsoAt: z.array(z.string()).optional(),
  /** What is weak about it, and what mends that. Given by `keys.show`. */
  findings: z.array(KeyFinding).optional(),
  /** Changes with every write: hand it back as `ifRevision` to be told of somebody else's change. */
  revision: z.string(),
});
export type KeyRecord = z.output<typeof KeyRecord>;

export const KeyVersion = z.strictObject({
  version: z.int().positive(),
  createdAt: Timestamp,
  /** retired: neither signs, verifies nor decrypts any more. */
  state: z.enum(['primary', 'active', 'retired']),
  fingerprint: z.string().nullable(),
});
export type KeyVersion = z.output<typeof KeyVersion>;

/** One thing that a key can or cannot do. */
export const CapabilityEntry = z.strictObject({
  capability: z.enum(CORE_CAPABILITIES),
  available: z.boolean(),
  /** Why not, in a sentence. */
  reason: z.string().nullable(),
  /** The algorithms for it, the recommended one first. */
  algorithms: z.array(z.string()),
});

/** Where a listing's rows come from, how fresh they are, who did not answer. */
/** Of lists that are shown by position: where a name is that somebody types. */
export const seeking = {
  /** Also tell where the next one is whose label begins so, whatever the case of its letters. */
  seek: z.string().min(1).max(200).optional(),
  /** Where looking begins; it goes on from the first after the last. */
  seekFrom: z.int().min(0).optional(),
} as const;
/** With `seek`: the position among all that match, null for none. */
export const SoughtPosition = z.int().nullable().optional();

export const InventorySource = z.strictObject({
  backend: z.string(),
  title: z.string(),
  state: z.enum(['ready', 'failed']),
  detail: z.string().nullable(),
  remedy: z.string().nullable(),
  fetchedAt: Timestamp,
});

/** A file to read: on this machine, or uploaded before. */
export const FileIn = z.union([z.strictObject({ path: z.string().min(1).max(4096) }), z.strictObject({ upload: z.string().max(100) })]);
/** How folders among files are walked. */
export const Folders = z.strictObject({
  /** Take hidden files too (names that begin with a dot). */
  hidden: z.boolean().default(false),
  /** Follow symbolic links. */
  symlinks: z.boolean().default(false),
}).default({ hidden: false, symlinks: false });
/** What was in a folder and not taken: hidden, a symbolic link, no regular file, what a former run wrote, a name that is not UTF-8, (where files are decrypted) not encrypted by its name, or (where they are verified) a file of which there is a signed copy. */
export const SkippedFile = z.strictObject({ name: z.string(), reason: z.enum(['hidden', 'symbolic-link', 'special', 'output', 'name', 'not-encrypted', 'signed-copy']) });
/** A file to write: on this machine, or to be fetched with `files.download`. */
export const FileOut = z.union([
  z.strictObject({ path: z.string().min(1).max(4096), overwrite: z.boolean().default(false) }),
  z.strictObject({ download: z.literal(true) }),
]);
export const FileWritten = z.union([z.strictObject({ path: z.string() }), z.strictObject({ download: z.string() })]);

export const Empty = z.strictObject({});

/** Columns of a table of keys. */
export const KEY_COLUMNS = ['label', 'algorithm', 'backend', 'state', 'notAfter', 'id'] as const;
