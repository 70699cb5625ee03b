import type { Catalogue } from './catalogue.ts';
import activity from './de/activity.json' with { type: 'json' };
import backends from './de/backends.json' with { type: 'json' };
import certificates from './de/certificates.json' with { type: 'json' };
import common from './de/common.json' with { type: 'json' };
import errors from './de/errors.json' with { type: 'json' };
import files from './de/files.json' with { type: 'json' };
import health from './de/health.json' with { type: 'json' };
import keys from './de/keys.json' with { type: 'json' };
import mending from './de/mending.json' with { type: 'json' };
import operations from './de/operations.json' with { type: 'json' };
import prompt from './de/prompt.json' with { type: 'json' };
import settings from './de/settings.json' with { type: 'json' };
import shell from './de/shell.json' with { type: 'json' };
import store from './de/store.json' with { type: 'json' };
import tokens from './de/tokens.json' with { type: 'json' };
import failures from './failures.de.json' with { type: 'json' };
import facts from './facts.de.json' with { type: 'json' };
import certificatesParticulars from './particulars.de/certificates.json' with { type: 'json' };
import encryptionParticulars from './particulars.de/encryption.json' with { type: 'json' };
import filesParticulars from './particulars.de/files.json' with { type: 'json' };
import formatsParticulars from './particulars.de/formats.json' with { type: 'json' };
import parts from './particulars.de/parts.json' with { type: 'json' };
import signingParticulars from './particulars.de/signing.json' with { type: 'json' };
import tokensParticulars from './particulars.de/tokens.json' with { type: 'json' };
import reasons from './reasons.de.json' with { type: 'json' };
import sentences from './sentences.de.json' with { type: 'json' };
import type { FactWords } from './facts.ts';
import type { Reasons } from './reasons.ts';
import type { Sentences } from './sentences.ts';

export const GERMAN: Catalogue = { ...common, ...errors, ...shell, ...store, ...prompt, ...keys, ...certificates, ...files, ...backends, ...activity, ...settings, ...tokens, ...mending, ...operations, ...health };
export const GERMAN_FACTS: FactWords = facts;
export const GERMAN_REASONS: Reasons = reasons;
/** What exactly is wrong with bytes that somebody gave, by who reads them. */
export const GERMAN_PARTICULARS: Sentences = { ...certificatesParticulars, ...encryptionParticulars, ...filesParticulars, ...formatsParticulars, ...signingParticulars, ...tokensParticulars };
/** What sentences are filled in with: parts of formats, and what was tried or answered. */
export const GERMAN_PARTS: Sentences = parts;
export const GERMAN_SENTENCES: Sentences = { ...failures, ...sentences, ...GERMAN_PARTICULARS, ...GERMAN_PARTS };
