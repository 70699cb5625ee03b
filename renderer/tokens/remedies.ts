import type { OutputFor } from '../bridge/index.ts';
import type { SecretStatus } from './SecretBadge.tsx';

/** Actions that set right what is wrong with a token. */
export type Remedy = 'change-pin' | 'unblock-pin' | 'change-puk' | 'change-so-pin' | 'set-management-key' | 'set-identifiers' | 'initialize' | 'import-dkek-share';

type Finding = NonNullable<OutputFor<'tokens.show'>['status']>['findings'][number];

/** What a finding's code ends in says what it is about, whichever backend found it. */
const BY_CODE: readonly (readonly [RegExp, Remedy])[] = [
  [/pin-blocked$/, 'unblock-pin'],
  [/default-so-pin$|so-pin-default$/, 'change-so-pin'],
  [/default-pin$|pin-default$/, 'change-pin'],
  [/default-puk$|puk-default$/, 'change-puk'],
  [/default-management-key$|management-key-default$/, 'set-management-key'],
  [/no-chuid$|no-identifiers$/, 'set-identifiers'],
  [/not-initialised$/, 'initialize'],
  [/dkek-pending$/, 'import-dkek-share'],
  [/transport-pin$/, 'change-pin'],
];

/** @returns the action that mends what was found, where there is one. */
export function remedyOf({ code }: Finding): Remedy | undefined {
  return BY_CODE.find(([pattern]) => pattern.test(code))?.[1];
}

const CHANGES = { pin: 'change-pin', puk: 'change-puk', 'so-pin': 'change-so-pin', 'management-key': 'set-management-key' } as const;

/** @returns the action that changes a secret, or unblocks it. */
export function remedyFor({ kind, state }: Pick<SecretStatus, 'kind' | 'state'>): Remedy | undefined {
  if (state === 'blocked') return kind === 'pin' ? 'unblock-pin' : undefined;
  return state === 'not-set' && kind === 'pin' ? 'unblock-pin' : CHANGES[kind];
}
