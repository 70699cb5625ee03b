import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { KeywrightError } from '../contract/index.ts';

/** Who may be holding a card: PC/SC does not tell, but processes show. */

/** Programs that are known to keep cards to themselves, by the name of their process (Linux cuts it to 15 characters), and how to make them let go. */
const KNOWN: Readonly<Record<string, { readonly name: string; readonly remedy: string }>> = {
  scdaemon: { name: 'GnuPG (scdaemon)', remedy: 'Run `gpgconf --kill scdaemon`; with `pcsc-shared` in ~/.gnupg/scdaemon.conf it shares cards.' },
  'yubikey-agent': { name: 'yubikey-agent', remedy: 'Send it a hang-up (`pkill -HUP yubikey-agent`), and it lets go of the token.' },
  ykman: { name: 'ykman', remedy: 'Wait until it has ended.' },
  authenticator: { name: 'Yubico Authenticator', remedy: 'Close it.' },
  'yubico-piv-tool': { name: 'yubico-piv-tool', remedy: 'Wait until it has ended.' },
  'pkcs11-tool': { name: 'pkcs11-tool', remedy: 'Wait until it has ended.' },
  'sc-hsm-tool': { name: 'sc-hsm-tool', remedy: 'Wait until it has ended.' },
  'opensc-tool': { name: 'opensc-tool', remedy: 'Wait until it has ended.' },
  'p11-kit-server': { name: 'p11-kit server', remedy: 'Stop it.' },
  'ssh-agent': { name: 'ssh-agent', remedy: 'Take the token’s module out of it: `ssh-add -e MODULE`.' },
};

export interface Holder {
  readonly name: string;
  readonly pid: number;
  readonly remedy: string;
}

/** Processes that are looked at; there may be thousands, and this is an error path that a person waits for. */
const MOST_PROCESSES = 4096;

/** How sure it is: it talks to the service, or has its library; it is known and cannot be looked into; it is known, and shows nothing of it. */
type Evidence = 0 | 1 | 2 | 3;

/**
 * @param proc where the kernel shows processes. @param clients inodes of the sockets that are connected to the service.
 * @returns other processes that use PC/SC as far as can be seen, the likelier first: those that talk to the service or have its library loaded
 * (of other users' only root sees that), and those that are known by name. Empty where the system shows none; never fails.
 */
export async function likelyHolders(proc = '/proc', self = process.pid, clients = serviceClients()): Promise<Holder[]> {
  const entries = await readdir(proc).catch(() => []);
  const pids = entries.filter((name) => /^[0-9]+$/.test(name)).map(Number).filter((pid) => pid !== self).slice(0, MOST_PROCESSES);
  const sockets = await clients;
  const found = await Promise.all(pids.map((pid) => look(proc, pid, self, sockets)));
  return found.filter((one) => one !== undefined).sort((one, other) => one.evidence - other.evidence).map(({ holder }) => holder);
}

async function look(proc: string, pid: number, self: number, sockets: ReadonlySet<string>): Promise<{ holder: Holder; evidence: Evidence } | undefined> {
  const [name, parent, maps, talks] = await Promise.all([
    nameOf(`${proc}/${pid}`),
    // Behind the name in brackets, which may hold anything (proc(5)).
    readFile(`${proc}/${pid}/stat`, 'latin1').then((text) => Number(text.slice(text.lastIndexOf(')')).split(' ')[2]), () => 0),
    readFile(`${proc}/${pid}/maps`, 'latin1').catch(() => undefined),
    hasSocket(`${proc}/${pid}/fd`, sockets),
  ]);
  if (name === '' || name === 'pcscd' || parent === self) return undefined;
  const known = KNOWN[basename(name)];
  const holder = { ...(known ?? { name, remedy: `Close ${name}, or make it let go of the token.` }), pid };
  if (talks || /\/libpcsclite(_real)?\.so/.test(maps ?? '')) return { holder, evidence: known === undefined ? 1 : 0 };
  return known === undefined ? undefined : { holder, evidence: maps === undefined ? 2 : 3 };
}

/** What runs other programs, as processes call it: Node calls its thread so. */
const RUNNERS: ReadonlySet<string> = new Set(['MainThread', 'node', 'java', 'perl', 'ruby', 'python', 'python3']);

/** @returns the program's name; of a script its own, and not what runs it. Nothing else of its arguments, which may be secrets. */
async function nameOf(folder: string): Promise<string> {
  const name = await readFile(`${folder}/comm`, 'utf8').then((text) => text.trim(), () => '');
  if (!RUNNERS.has(name.replace(/\.[0-9]+$/, ''))) return name;
  const [program = '', ...rest] = await readFile(`${folder}/cmdline`, 'utf8').then((text) => text.split('\0'), () => []);
  const [script = ''] = rest.filter((argument) => !argument.startsWith('-'));
  return /^[^\s=]*\/[^\s=/]+$|^[\w.-]+\.(?:[cm]?js|ts|py|pl|rb|jar)$/.test(script) ? basename(script) : basename(program) || name;
}

async function hasSocket(folder: string, sockets: ReadonlySet<string>): Promise<boolean> {
  if (sockets.size === 0) return false;
  const files = await readdir(folder).catch(() => []);
  const links = await Promise.all(files.map((file) => readlink(`${folder}/${file}`).catch(() => '')));
  return links.some((link) => sockets.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ''));
}

const SOCKETS_MS = 1_000;

/** The kernel tells who is at the other end of a socket by netlink alone, which `ss` speaks. @returns the inodes of the service's clients; none where it is not installed. */
async function serviceClients(): Promise<ReadonlySet<string>> {
  if (process.platform !== 'linux') return new Set();
  const listed = await promisify(execFile)('ss', ['-xn'], { timeout: SOCKETS_MS, maxBuffer: 8 * 1024 * 1024 }).then(({ stdout }) => stdout, () => '');
  return clientsIn(listed);
}

/** @param listed lines of `ss -xn`: kind, state, two queues, our address and inode, theirs. */
export function clientsIn(listed: string): ReadonlySet<string> {
  const rows = listed.split('\n').map((line) => line.trim().split(/\s+/));
  return new Set(rows.filter((row) => row[1] === 'ESTAB' && (row[4] ?? '').endsWith('/pcscd.comm')).flatMap((row) => row[7] ?? []));
}

/** @returns the error for a card that another program keeps to itself, with the likely one named. */
export async function heldElsewhere(reader: string, cause?: unknown, holders = likelyHolders()): Promise<KeywrightError> {
  const seen = await holders;
  const [first] = seen;
  const who = first === undefined ? 'another program' : `another program, most likely ${seen.slice(0, 3).map(({ name, pid }) => `${name} (process ${pid})`).join(' or ')}`;
  return new KeywrightError('BACKEND_UNAVAILABLE', {
    detail: `The token in “${reader}” is held by ${who}.`, remedy: first?.remedy ?? 'Close the other program that uses the token, and try again.', ...(cause === undefined ? {} : { cause }),
  });
}
