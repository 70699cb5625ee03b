import { isOperation, nounOf, NOUNS, type Operation } from './operation.ts';
import * as backends from './backends.ts';
import * as encryption from './encryption.ts';
import * as certificateChecks from './certificate-checks.ts';
import * as certificateMaking from './certificate-making.ts';
import * as certificateRevocation from './certificate-revocation.ts';
import * as certificates from './certificates.ts';
import * as files from './files.ts';
import * as health from './health.ts';
import * as keyUse from './key-use.ts';
import * as keys from './keys.ts';
import * as service from './service.ts';
import * as store from './store.ts';
import * as tokens from './tokens.ts';

/** A file that is new here stands in `load.ts` too. */
const declared: Record<string, unknown>[] = [store, backends, keys, keyUse, certificates, certificateMaking, certificateChecks, certificateRevocation, files, encryption, tokens, service, health];

/**
 * Every operation there is, by noun, then by id: faces, documentation and tests are derived from this list. Sorted, since a
 * module's own order differs between engines.
 */
export const OPERATIONS: readonly Operation[] = declared.flatMap((noun) => Object.values(noun).filter(isOperation))
  .sort((a, b) => NOUNS.indexOf(nounOf(a)) - NOUNS.indexOf(nounOf(b)) || (a.id < b.id ? -1 : 1));

export const OPERATIONS_BY_ID: ReadonlyMap<string, Operation> = new Map(OPERATIONS.map((record) => [record.id, record]));
