import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { KeywrightError } from '../contract/errors.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Signs commits and tags for git: as `gpg.program` it takes and gives what gpg does (OpenPGP), as `gpg.ssh.program` what
 * `ssh-keygen -Y` does (SSHSIG in the namespace git). Each is a command of ours, run as a person would run it.
 */
type Run = (argv: readonly string[], around: Surroundings) => Promise<number>;

export async function answerGit(argv: readonly string[], around: Surroundings, run: Run): Promise<number> {
  if (argv[0] === '-Y') return argv[1] === 'sign' ? signForSsh(argv, around, run) : sshKeygen(argv, around);
  const verify = argv.indexOf('--verify');
  return verify < 0 ? signForGpg(argv, around, run) : verifyForGpg(argv[verify + 1] ?? '', around, run);
}

/** `--status-fd=2 -bsau KEY`: the commit on standard input, the armoured signature to standard output. */
async function signForGpg(argv: readonly string[], around: Surroundings, run: Run): Promise<number> {
  const key = argv.at(-1) ?? '';
  if (!argv.includes('-bsau') || key.startsWith('-')) throw unknown(argv);
  return withInput(around, async (payload) => {
    const { code, output } = await captured(['files', 'sign', payload, '--key', key, '--format', 'openpgp', '--out', '-'], around, run);
    if (code !== 0) return code;
    around.stdout.write(output);
    around.stderr.write('\n[GNUPG:] SIG_CREATED D\n');
    return 0;
  });
}

/** `--keyid-format=long --status-fd=1 --verify SIGNATURE -`: what git reads of gpg's status lines. */
async function verifyForGpg(signature: string, around: Surroundings, run: Run): Promise<number> {
  return withInput(around, async (payload) => {
    const { code, output } = await captured(['files', 'verify', payload, '--signature', signature, '--format', 'openpgp', '--json'], around, run);
    if (code !== 0 && code !== 3) return code;
    const { intact, trusted, verdict, signer } = JSON.parse(output) as { intact: boolean; trusted: boolean; verdict: string; signer: { fingerprint: string; label: string | null } | null };
    around.stderr.write(`keywright: ${verdict}\n`);
    const print = (signer?.fingerprint ?? '').replace(/^SHA256:/, '').toUpperCase().slice(0, 40);
    const who = `${print.slice(-16)} ${signer?.label ?? 'somebody'}`;
    const lines = signer === null ? ['NEWSIG', 'ERRSIG 0000000000000000 0 0 00 0 9'] : intact ? ['NEWSIG', `GOODSIG ${who}`, `VALIDSIG ${print} 0 0 0 4 0 0 0 00 ${print}`, `${trusted ? 'TRUST_FULLY' : 'TRUST_UNDEFINED'} 0 pgp`] : ['NEWSIG', `BADSIG ${who}`];
    around.stdout.write(lines.map((line) => `[GNUPG:] ${line}\n`).join(''));
    return intact && trusted ? 0 : 1;
  });
}

/** `-Y sign -n git -f KEY [-U] FILE`: KEY is a file with the public key. Writes FILE.sig. */
async function signForSsh(argv: readonly string[], around: Surroundings, run: Run): Promise<number> {
  const after = (option: string): string => argv[argv.indexOf(option) + 1] ?? '';
  const file = argv.at(-1) ?? '';
  if (!argv.includes('-f') || !argv.includes('-n')) throw unknown(argv);
  const key = await keyWithPublic(await readFile(after('-f'), 'utf8'), around, run);
  return (await captured(['files', 'sign', file, '--key', key, '--format', 'sshsig', '--namespace', after('-n'), '--out', `${file}.sig`, '--force', '--quiet'], around, run)).code;
}

/** @returns the URI of the key whose OpenSSH form this is. @throws NOT_FOUND */
async function keyWithPublic(line: string, around: Surroundings, run: Run): Promise<string> {
  const [, blob = ''] = line.trim().split(/\s+/);
  const { keys } = JSON.parse((await captured(['keys', 'list', '--filter', 'usage=sign', '--limit', '1000', '--json'], around, run)).output) as { keys: { uri: string; algorithm: string }[] };
  const wanted = Buffer.from(blob, 'base64').toString('latin1');
  for (const { uri, algorithm } of keys) {
    const type = algorithm.startsWith('rsa') ? 'ssh-rsa' : algorithm === 'ed25519' ? 'ssh-ed25519' : `nistp${/^ec-p(\d+)$/.exec(algorithm)?.[1] ?? '-'}`;
    if (!wanted.includes(type)) continue;
    const { output } = await captured(['keys', 'public', uri, '--format', 'openssh'], around, run);
    if (output.trim().split(/\s+/)[1] === blob) return uri;
  }
  throw new KeywrightError('NOT_FOUND', { detail: 'The key that git names is not held here.', remedy: 'Set user.signingKey to “key::” and what `keywright keys public KEY --format openssh` prints.' });
}

/** Checking a list of allowed signers is what ssh-keygen is for: git asks it as it always did. */
function sshKeygen(argv: readonly string[], around: Surroundings): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh-keygen', argv, { stdio: ['pipe', 'pipe', 'pipe'], signal: around.signal });
    around.stdin().pipe(child.stdin);
    child.stdin.on('error', () => undefined); // it may have had enough before the end
    child.stdout.on('data', (piece: Buffer) => around.stdout.write(piece));
    child.stderr.on('data', (piece: Buffer) => around.stderr.write(piece));
    child.on('error', () => reject(new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'There is no ssh-keygen here, which checks signatures of commits.', remedy: 'Install the OpenSSH client.' })));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Standard input as a file for its owner alone, gone afterwards. */
async function withInput(around: Surroundings, work: (path: string) => Promise<number>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'keywright-git-'));
  try {
    await writeFile(join(folder, 'payload'), Buffer.concat(await Array.fromAsync(around.stdin() as AsyncIterable<Buffer>)), { mode: 0o600 });
    return await work(join(folder, 'payload'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function captured(argv: readonly string[], around: Surroundings, run: Run): Promise<{ code: number; output: string }> {
  const pieces: Buffer[] = [];
  const stdout = new Writable({ write: (piece: Buffer, _encoding, done) => { pieces.push(Buffer.from(piece)); done(); } });
  const code = await run(argv, { ...around, stdout: stdout as Surroundings['stdout'] });
  return { code, output: Buffer.concat(pieces).toString() };
}

function unknown(argv: readonly string[]): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: `This is no way in which git calls its signing program: ${argv.slice(0, 6).join(' ').slice(0, 200)}`, remedy: 'See docs/signing.md.' });
}
