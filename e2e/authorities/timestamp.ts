import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A timestamp authority for tests: RFC 3161 over HTTP on the loopback, answered by `openssl ts`, with a root and a certificate of its own. */
export interface TimestampAuthority extends Disposable {
  readonly url: string;
  /** PEM. */
  readonly root: Uint8Array;
  /** What it was asked, as it came. */
  readonly requests: readonly Uint8Array[];
  /** From now on it answers so, or as it should again. */
  misbehave(answer: ((right: Buffer) => { status?: number; body: Uint8Array }) | undefined): void;
}

const CONFIGURATION = (folder: string): string => `
[tsa]
default_tsa = one
[one]
serial = ${folder}/serial
crypto_device = builtin
signer_cert = ${folder}/tsa.pem
certs = ${folder}/root.pem
signer_key = ${folder}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
`;

/** @throws when there is no openssl. */
export async function startTimestampAuthority(): Promise<TimestampAuthority> {
  const folder = mkdtempSync(join(tmpdir(), 'keywright-tsa-'));
  const openssl = (...args: string[]): void => { execFileSync('openssl', args, { stdio: 'pipe' }); };
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('tsa.cnf'), CONFIGURATION(folder));
  writeFileSync(at('serial'), '01\n');
  writeFileSync(at('extensions'), 'extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n');
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('root.key'), '-out', at('root.pem'), '-days', '30', '-subj', '/CN=Time Root', '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('tsa.key'), '-out', at('tsa.csr'), '-subj', '/CN=Time Authority');
  openssl('x509', '-req', '-in', at('tsa.csr'), '-CA', at('root.pem'), '-CAkey', at('root.key'), '-CAcreateserial', '-days', '20', '-extfile', at('extensions'), '-out', at('tsa.pem'));
  const requests: Uint8Array[] = [];
  let answer: ((right: Buffer) => { status?: number; body: Uint8Array }) | undefined;
  const server = createServer(async (request, response) => {
    const query = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    requests.push(query);
    writeFileSync(at('query'), query);
    openssl('ts', '-reply', '-config', at('tsa.cnf'), '-section', 'one', '-queryfile', at('query'), '-out', at('reply'));
    const { status = 200, body } = answer?.(readFileSync(at('reply'))) ?? { body: readFileSync(at('reply')) };
    response.writeHead(status, { 'content-type': 'application/timestamp-reply' }).end(body);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`, root: readFileSync(at('root.pem')), requests,
    misbehave(next) { answer = next; },
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
