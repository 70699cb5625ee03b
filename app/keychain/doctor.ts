import { access, constants, stat, statfs } from 'node:fs/promises';
import { getFips } from 'node:crypto';
import type { OutputOf, serviceOperations } from '../contract/index.ts';
import type { Finding } from '../keystore/registry.ts';
import type { Context } from './context.ts';

const LITTLE_SPACE = 100 * 1024 * 1024;
const LEAST_NODE = 24;
/** Clocks of two machines that share a store may differ by so much. */
const CLOCK_TOLERANCE = 5 * 60_000;

/** Looks for whatever keeps Keywright from working: the runtime, the data folder, the configuration, the store, each backend. */
export async function runDoctor(context: Context): Promise<OutputOf<typeof serviceOperations.doctorRun>> {
  const findings: OutputOf<typeof serviceOperations.doctorRun>['findings'] = [];
  for await (const { finding } of lookAround(context)) {
    context.call.signal.throwIfAborted();
    const record = { ...finding, remedy: finding.remedy ?? null };
    // What keeps several backends from their tokens is one thing.
    if (findings.some((told) => told.code === record.code && told.detail === record.detail)) continue;
    context.call.progress(record);
    findings.push(record);
  }
  return { ok: findings.every(({ level }) => level !== 'problem'), findings };
}

/** @returns all that is looked at, each with the backend that it is about. */
export async function* lookAround(context: Context): AsyncGenerator<{ readonly finding: Finding; readonly backend: string | null }> {
  const { services } = context;
  for (const part of [[runtime(), memory(context)], dataFolder(services.stores.folder), configuration(context), store(context)]) for await (const finding of part) yield { finding, backend: null };
  yield* backends(context);
  for (const part of [clock(context), readers(context), addons()]) for await (const finding of part) yield { finding, backend: null };
}

function runtime(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  return major >= LEAST_NODE
    ? { level: 'ok', code: 'runtime.version', detail: `Node ${process.versions.node} with OpenSSL ${process.versions.openssl}${getFips() === 1 ? ', in FIPS mode' : ''}.` }
    : { level: 'problem', code: 'runtime.old', detail: `Node ${process.versions.node} is too old.`, remedy: `Install Node ${LEAST_NODE} or later, or run \`npm ci\` so that the bundled one is there.` };
}

function memory({ services: { stores } }: Context): Finding {
  const keys = stores.state === 'unlocked' ? `, with ${stores.session.inventory.size} keys` : '';
  return { level: 'ok', code: 'runtime.memory', detail: `${Math.round(process.memoryUsage.rss() / 1024 / 1024)} MiB of memory in use${keys}.` };
}

async function* dataFolder(folder: string): AsyncGenerator<Finding> {
  const facts = await stat(folder).catch(() => undefined);
  if (facts === undefined) {
    yield { level: 'ok', code: 'folder.absent', detail: `${folder} does not exist yet; it is made with the store.` };
    return;
  }
  const writable = await access(folder, constants.W_OK).then(() => true, () => false);
  if (!writable) yield { level: 'problem', code: 'folder.read-only', detail: `${folder} cannot be written.`, remedy: 'Mend its permissions, or choose another folder with --data-dir.' };
  if (process.platform !== 'win32' && (facts.mode & 0o077) !== 0) yield { level: 'warning', code: 'folder.open', detail: `Others on this computer may look into ${folder}.`, remedy: `chmod 700 '${folder}'` };
  const { bavail, bsize } = await statfs(folder);
  const space = Number(bavail) * Number(bsize);
  if (space < LITTLE_SPACE) yield { level: 'problem', code: 'folder.full', detail: `Only ${Math.round(space / 1024 / 1024)} MiB are left for ${folder}.`, remedy: 'Free some space: changes fail when none is left.' };
  else if (writable) yield { level: 'ok', code: 'folder.usable', detail: `${folder} can be written.` };
}

async function* configuration({ services }: Context): AsyncGenerator<Finding> {
  const { ok, problems } = await services.config.validate();
  if (ok) yield { level: 'ok', code: 'config.valid', detail: 'The configuration is valid.' };
  for (const { where, detail, suggestion } of problems) yield { level: 'problem', code: 'config.invalid', detail: `${where}: ${detail}`, ...(suggestion === null ? {} : { remedy: suggestion }) };
}

async function* store({ services: { stores } }: Context): AsyncGenerator<Finding> {
  if (stores.state === 'absent') yield { level: 'ok', code: 'store.absent', detail: 'There is no store yet.', remedy: 'Create one with `keywright store create`.' };
  const { problems } = stores.status();
  if (stores.state === 'locked' && problems.length > 0) for (const { record, detail } of problems) yield { level: 'problem', code: 'store.damaged', detail: `${record}: ${detail}` };
  else if (stores.state === 'locked') yield { level: 'ok', code: 'store.locked', detail: 'The store is locked.', remedy: 'Unlock it to have its records and backends looked at too.' };
  if (stores.state !== 'unlocked') return;
  const { storage } = stores.session;
  if (storage.problems.length === 0) yield { level: 'ok', code: 'store.sound', detail: `The store is open; its ${storage.size} records are where they should be.` };
  for (const { record, detail } of storage.problems) yield { level: 'problem', code: 'store.damaged', detail: `${record}: ${detail}`, remedy: 'Run `keywright store verify`, and restore a backup.' };
}

async function* backends({ services: { stores }, call }: Context): AsyncGenerator<{ finding: Finding; backend: string }> {
  if (stores.state !== 'unlocked') return;
  const { backends } = stores.session;
  for (const { name } of backends.list()) {
    try {
      // What keeps tokens from being seen is no problem to whom has none.
      for await (const finding of backends.diagnose(name, call)) yield { finding: finding.level === 'problem' && !backends.matters(name) ? { ...finding, level: 'warning' } : finding, backend: name };
    } catch (thrown) {
      yield { finding: { level: 'problem', code: 'backends.fails', detail: `“${name}”: ${thrown instanceof Error ? thrown.message : 'it does not open'}`, remedy: `Run \`keywright backends diagnose ${name}\`.` }, backend: name };
    }
  }
}

/** A clock that went back: whoever judges validity, and every time that is written, follows it. */
async function* clock({ services: { stores } }: Context): AsyncGenerator<Finding> {
  if (stores.state !== 'unlocked') return;
  const { audit } = stores.session;
  const [newest] = audit.last === 0 ? [] : await audit.read(audit.last, 1).catch(() => []); // one that cannot be read is told by `audit verify`
  if (newest === undefined || Date.parse(newest.at) - Date.now() < CLOCK_TOLERANCE) return;
  yield { level: 'warning', code: 'runtime.clock-behind', detail: `The clock of this computer is behind: the newest entry of the audit trail is of ${newest.at}.`, remedy: 'Set the clock: whether keys and certificates are valid, and the times in signatures, follow it.' };
}

/** Without an open store no backend is asked, but what none of them could do without can be told. */
async function* readers({ services: { stores, ports } }: Context): AsyncGenerator<Finding> {
  if (stores.state === 'unlocked') return;
  for (const { builtIn, whyNoTokens } of ports.backends) {
    const why = builtIn === true ? whyNoTokens?.() : undefined;
    if (why !== undefined) yield { ...why, level: 'warning' };
  }
}

/** Addons that must be built are optional: without a compiler they are absent, and only what needs them is. */
async function* addons(): AsyncGenerator<Finding> {
  const { findOptionalAddons } = await import('./addons.ts');
  for (const { name, purpose, present } of findOptionalAddons()) {
    yield present
      ? { level: 'ok', code: `addons.${name}`, detail: `${name} is built: ${purpose}.` }
      : { level: 'warning', code: `addons.${name}-missing`, detail: `${name} is not built: ${purpose} will not be possible.`, remedy: 'Install a C++ compiler (Debian: g++), then run `node scripts/build-addons.mjs`.' };
  }
}
