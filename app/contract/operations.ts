import type { Operation } from './operation.ts';
import * as backends from './backends.ts';
import * as files from './files.ts';
import * as keyUse from './key-use.ts';
import * as keys from './keys.ts';
import * as service from './service.ts';
import * as store from './store.ts';

/** Every operation there is: faces, documentation and tests are derived from this list. */
const declared: Record<string, unknown>[] = [store, backends, keys, keyUse, files, service];

function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && 'id' in value && 'http' in value;
}

export const OPERATIONS: readonly Operation[] = declared.flatMap((noun) => Object.values(noun).filter(isOperation));

export const OPERATIONS_BY_ID: ReadonlyMap<string, Operation> = new Map(OPERATIONS.map((record) => [record.id, record]));
