import { connect, type TLSSocket } from 'node:tls';
import { isIP } from 'node:net';
import { KeywrightError } from '../../contract/index.ts';
import { Certificate, hostName, parseOcspResponse, type OcspResponse } from '../../certificates/index.ts';
import { judged } from './certificate-judging.ts';
import { keepCertificate, writtenRecord } from './certificate-records.ts';
import type { HandlersOf } from './handlers.ts';

/** Looks at a TLS server, and judges what it shows by our own rules: node's are switched off, so that a bad server can be looked at too. */

export const examineHandler: Pick<HandlersOf<'certificates'>, 'certificates.examine'> = {
  async 'certificates.examine'(input, context) {
    const [, name = input.host, portText] = /^(\[[0-9a-f:.]+\]|[^:]+):(\d{1,5})$/i.exec(input.host) ?? [];
    const target = hostName(name);
    const port = input.port ?? (portText === undefined ? 443 : Number(portText));
    if (port < 1 || port > 65_535) throw new KeywrightError('INVALID_INPUT', { detail: 'A port is a number from 1 to 65535.', where: '/host' });
    const wanted = input.serverName === undefined ? target : hostName(input.serverName, '/serverName');
    const seen = await lookAt({ host: target.text, port, serverName: wanted.text, seconds: input.seconds }, context.call.signal);
    const [certificate, ...beside] = seen.chain;
    if (certificate === undefined) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${target.text} shows no certificate.` });
    const verdict = await judged(certificate, beside, {
      ...(input.roots === undefined ? {} : { roots: input.roots }), trust: input.trust, untrusted: [], crl: [], ocsp: seen.response === undefined ? [] : [seen.response.der], host: wanted.text, name: [], maxDepth: 10, fetch: false, extendedKeyUsage: [], policy: [],
      requirePolicy: false, inhibitPolicyMapping: false, inhibitAnyPolicy: false, allowWeak: false, revocation: seen.response === undefined ? 'off' : 'leaf',
    }, context);
    const saved = [];
    if (input.save) {
      if (!context.call.principal.permissions.has('certificates:write')) throw new KeywrightError('PERMISSION_DENIED', { detail: 'Saving certificates needs the permission certificates:write.' });
      for (const one of seen.chain) saved.push(await writtenRecord((await keepCertificate(context, one, { origin: 'imported', trusted: false, tags: [] })).stored, context, null));
    }
    const about = `${target.text} port ${port} (${seen.address}): ${seen.protocol}, ${seen.cipher}${seen.application === null ? '' : `, ${seen.application}`}; ${seen.response === undefined ? 'no OCSP response stapled' : `stapled OCSP response: ${verdict.revocation.state}`}`;
    return {
      ...verdict, text: `${about}\n\n${verdict.text}`, host: target.text, port, address: seen.address, protocol: seen.protocol, cipher: seen.cipher, application: seen.application, chain: seen.chain.map((one) => one.toPem()),
      stapled: seen.response === undefined ? 'none' : verdict.revocation.state, saved,
    };
  },
};

interface Seen {
  readonly chain: Certificate[];
  readonly response: OcspResponse | undefined;
  readonly address: string;
  readonly protocol: string;
  readonly cipher: string;
  readonly application: string | null;
}

/** @throws BACKEND_UNAVAILABLE when nobody answers or it is no TLS, TIMEOUT */
async function lookAt({ host, port, serverName, seconds }: { host: string; port: number; serverName: string; seconds: number }, signal: AbortSignal): Promise<Seen> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  let stapled: Buffer | undefined;
  const socket = connect({ host, port, rejectUnauthorized: false, requestOCSP: true, ALPNProtocols: ['h2', 'http/1.1'], minVersion: 'TLSv1', ...(isIP(serverName) === 0 ? { servername: serverName } : {}) });
  const failed = (cause: Error): void => {
    const { code } = cause as NodeJS.ErrnoException;
    reject(new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${host} port ${port} cannot be looked at: ${code === 'ECONNREFUSED' ? 'nobody listens there' : code === 'ENOTFOUND' ? 'there is no such host' : code?.startsWith('ERR_SSL') === true ? 'it does not speak TLS, or none that is spoken here' : (code ?? 'the connection failed')}.`, cause }));
  };
  const timer = setTimeout(() => reject(new KeywrightError('TIMEOUT', { detail: `${host} port ${port} did not answer within ${seconds} s.`, remedy: 'Check the address, or wait longer (--seconds).' })), seconds * 1000);
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  // Stapled responses come before the handshake is over, where the server has one.
  socket.on('OCSPResponse', (response: Buffer | null) => { stapled = response ?? undefined; });
  socket.once('secureConnect', () => resolve(socket));
  socket.once('error', failed);
  try {
    await promise;
    const cipher = socket.getCipher();
    return {
      chain: chainOf(socket), response: stapled === undefined || stapled.length === 0 ? undefined : readable(stapled), address: socket.remoteAddress ?? host, protocol: socket.getProtocol() ?? 'unknown', cipher: cipher.standardName || cipher.name,
      application: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : null,
    };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

function chainOf(socket: TLSSocket): Certificate[] {
  const chain: Certificate[] = [];
  const seen = new Set<string>();
  for (let next = socket.getPeerX509Certificate(); next !== undefined && chain.length < 20; next = next.issuerCertificate) {
    if (seen.has(next.fingerprint256)) break;
    seen.add(next.fingerprint256);
    chain.push(new Certificate(next.raw));
  }
  return chain;
}

function readable(stapled: Buffer): OcspResponse | undefined {
  try {
    return parseOcspResponse(stapled);
  } catch {
    return undefined;
  }
}
