import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
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

/**
 * @param proc where the kernel shows processes.
 * @returns other processes that use PC/SC as far as can be seen: known by name, or with the library loaded (of this user's own alone).
 * Empty where the system shows none.
 */
export async function likelyHolders(proc = '/proc', self = process.pid): Promise<Holder[]> {
  const entries = await readdir(proc).catch(() => []);
  const pids = entries.filter((name) => /^[0-9]+$/.test(name)).map(Number).filter((pid) => pid !== self).slice(0, MOST_PROCESSES);
  const found = await Promise.all(pids.map((pid) => look(proc, pid)));
  return found.filter((holder) => holder !== undefined);
}

async function look(proc: string, pid: number): Promise<Holder | undefined> {
  const [name, maps] = await Promise.all([
    readFile(`${proc}/${pid}/comm`, 'utf8').then((text) => text.trim(), () => ''),
    readFile(`${proc}/${pid}/maps`, 'latin1').catch(() => ''),
  ]);
  const known = KNOWN[basename(name)];
  if (known !== undefined) return { ...known, pid };
  if (name === '' || name === 'pcscd' || !/\/libpcsclite(_real)?\.so/.test(maps)) return undefined;
  return { name, pid, remedy: `Close ${name}, or make it let go of the token.` };
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
