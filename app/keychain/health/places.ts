import type { HealthFinding } from '../../contract/index.ts';
import type { Finding } from '../../keystore/registry.ts';
import type { Token, TokenSecretStatus } from '../../keystore/tokens.ts';
import { TOKEN_MENDINGS, type TokenMending } from '../mending.ts';
import type { Session } from '../session.ts';
import { titleOf } from '../stored-key.ts';
import { noCall, type Concern } from './concern.ts';

/** What the store, backends and tokens ask for, told by what is known of them: nothing is asked. */

const SECRETS = { pin: 'PIN', puk: 'PUK', 'so-pin': 'SO PIN', 'management-key': 'management key' } as const;
/** What a finding's code ends in says what it is about, whichever backend found it. */
const BY_CODE: readonly (readonly [RegExp, TokenMending])[] = [
  [/[.-]pin-blocked$/, 'unblock-pin'], [/default-pin$|transport-pin$|pin-to-be-changed$/, 'change-pin'], [/default-puk$/, 'change-puk'], [/(default|derived)-management-key$/, 'set-management-key'],
];
/** What the store's own problems tell already. */
const TOLD_OF_STORE = /^store\./;
/** What a person may well do without: nothing is broken. */
const OPTIONAL = /^addons\./;

export function storeConcerns({ storage, health }: Session, store: { readonly id: string; readonly name: string }): Concern[] {
  const damaged = new Map([...storage.problems, ...health.damage].map(({ record, detail }) => [record, detail]));
  return [...damaged].map(([record, detail]) => ({
    level: 'problem', code: 'store.damaged', which: record, about: { place: 'store', id: store.id, uri: null, label: store.name }, since: null, until: null, from: 'known', detail: `${record}: ${detail}`,
    remedy: 'Run `keywright store verify`, and restore a backup.', mend: noCall,
  }));
}

export function backendConcerns({ backends }: Session): Concern[] {
  return backends.list().filter(({ state, name }) => state === 'unavailable' && backends.matters(name)).map(({ name, title, reason, remedy }) => ({
    level: 'problem', code: 'backend.unavailable', about: { place: 'backend', id: name, uri: null, label: title }, since: null, until: null, from: 'known', detail: reason ?? 'It does not answer.', remedy, mend: noCall,
  }));
}

/** What tokens that are plugged in told of their secrets when somebody asked them last. */
export function tokenConcerns({ backends, found, health }: Session): Concern[] {
  return backends.tokens.all().flatMap(({ token }) => {
    const { id } = token.facts;
    const status = health.statusOf(id, token);
    if (status === undefined) return [];
    const label = found.known.get(id)?.name ?? titleOf(token.facts);
    const about: HealthFinding['about'] = { place: 'token', id, uri: null, label };
    const told = status.findings.flatMap(({ level, code, detail, remedy = null }): Concern[] => (level === 'ok' ? [] : [{
      level, code, which: detail, about, since: null, until: null, from: 'look', detail, remedy, mend: mendingOf(code, token, label),
    }]));
    return [...told, ...status.secrets.flatMap((secret) => secretConcerns(secret, token, about, status.findings))];
  });
}

function mendingOf(code: string, { actions, facts }: Token, label: string): Concern['mend'] {
  const action = BY_CODE.find(([pattern]) => pattern.test(code))?.[1];
  if (action === undefined || !TOKEN_MENDINGS.includes(action) || !actions.some((one) => one.action === action && one.available)) return noCall;
  return (mender) => [mender.ofToken(action, facts.id, label)];
}

/** What the state of a secret says, where the backend has no finding of its own about it. */
function secretConcerns({ kind, state, triesLeft, triesAtMost }: TokenSecretStatus, token: Token, about: HealthFinding['about'], findings: readonly Finding[]): Concern[] {
  const secret = SECRETS[kind];
  const told = (what: string): boolean => findings.some(({ code }) => code.endsWith(what) || code.endsWith('.blocked'));
  const concern = { which: kind, about, since: null, until: null, from: 'look' } as const;
  if (state === 'default' && !told(`default-${kind}`)) {
    return [{ ...concern, level: 'warning', code: `token.default-${kind}`, detail: `The ${secret} is the one that such tokens are delivered with.`, remedy: 'Change it: whoever knows the kind of token knows it.', mend: mendingOf(`token.default-${kind}`, token, about.label) }];
  }
  if (state === 'blocked' && !told(`${kind}-blocked`)) {
    return [{ ...concern, level: 'problem', code: `token.${kind}-blocked`, detail: `The ${secret} is blocked: no tries are left.`, remedy: null, mend: mendingOf(`token.${kind}-blocked`, token, about.label) }];
  }
  return isShort(triesLeft, triesAtMost) && state !== 'not-set' ? [{
    ...concern, level: 'warning', code: 'token.few-tries', detail: triesLeft === 1 ? `One try is left for the ${secret}.` : `${triesLeft} tries are left for the ${secret}.`,
    remedy: 'Entered right, all tries are there again. When none is left, it is blocked.', mend: mendingOf(`token.default-${kind}`, token, about.label),
  }] : [];
}

/** Less than half of the tries are left, or one: the next mistake may be the last. */
function isShort(left: number | null, most: number | null): left is number {
  return left !== null && left > 0 && most !== 1 && (left === 1 || left * 2 < (most ?? 0));
}

/** What the last look found of the runtime, the folder, the configuration and backends. @param known what is told without it */
export function lookConcerns({ backends, health }: Session, known: readonly Concern[]): Concern[] {
  const said = new Set(known.map(({ detail }) => detail));
  return (health.look?.found ?? []).flatMap(({ finding: { level, code, detail, remedy = null }, backend }): Concern[] => {
    if (level === 'ok' || TOLD_OF_STORE.test(code) || said.has(detail) || (backend !== null && (!backends.has(backend) || !backends.matters(backend)))) return [];
    const about: HealthFinding['about'] = backend === null ? { place: 'computer', id: null, uri: null, label: 'This computer' } : { place: 'backend', id: backend, uri: null, label: backends.show(backend).title };
    return [{ level: OPTIONAL.test(code) ? 'note' : level, code, which: code.startsWith('config.') ? detail : '', about, since: null, until: null, from: 'look', detail, remedy, mend: noCall }];
  });
}
