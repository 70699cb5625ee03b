import { isIP, isIPv6 } from 'node:net';
import type { X509Certificate } from 'node:crypto';
import { KeywrightError } from '../contract/index.ts';

/** Where a face listens. */
export interface ListenAddress {
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Listen on this Unix socket instead; requests call it `host` all the same. */
  readonly socket?: string;
}

/**
 * Reads `HOST:PORT`, `[IPV6]:PORT` or a port alone.
 * @throws INVALID_INPUT for anything else, and for an address that is not loopback without TLS: tokens and answers would
 *         cross the network in clear.
 */
export function listenAddress(text: string, tls: boolean): ListenAddress {
  const { host, port } = publicAddress(text, '/listen');
  if (!tls && !isLoopback(host)) {
    throw new KeywrightError('INVALID_INPUT', {
      detail: `${host} can be reached from other machines, and without TLS everybody between could read keys and tokens. Nothing was started.`,
      where: '/listen',
      remedy: 'Listen on 127.0.0.1, or give a certificate with --tls-cert and --tls-key.',
    });
  }
  return { host, port };
}

/** Reads an address for what is public, and may so be listened on anywhere. @throws INVALID_INPUT for what is none */
export function publicAddress(text: string, where: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]:|([^:[\]/\s]+):)?(\d{1,5})$/.exec(text.trim()) ?? [];
  const host = (bracketed ?? plain ?? '127.0.0.1').toLowerCase();
  const port = Number(digits);
  if (digits === undefined || port > 65_535 || (bracketed !== undefined && !isIPv6(bracketed))) {
    throw new KeywrightError('INVALID_INPUT', { detail: `“${text.slice(0, 100)}” is not an address to listen on.`, where, remedy: 'Give a host and a port, such as 127.0.0.1:8420 or [::1]:8420.' });
  }
  return { host, port };
}

/** Whether only this machine can reach it. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** @returns `host:port` as it stands in a URL (RFC 3986 §3.2.2). */
export function authority(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/**
 * Which Host headers are ours (RFC 9110 §7.2). A page elsewhere whose name was bent to 127.0.0.1 (DNS rebinding) still
 * sends its own name, and is told apart by it.
 */
export class OwnHosts {
  readonly #known: Set<string>;
  readonly #port: number;
  readonly #defaultPort: number;
  readonly #certificate: X509Certificate | undefined;

  /** @param certificate with TLS: the names that it was issued for are ours as well. */
  constructor(host: string, port: number, certificate?: X509Certificate) {
    const names = new Set(['127.0.0.1', 'localhost', '::1', host].filter((name) => name !== '0.0.0.0' && name !== '::'));
    this.#known = new Set([...names].map((name) => authority(name, port)));
    this.#port = port;
    this.#defaultPort = certificate === undefined ? 80 : 443;
    this.#certificate = certificate;
  }

  includes(header: string | undefined): boolean {
    if (header === undefined) return false;
    return this.#known.has(header) || this.#isOtherSpelling(header.toLowerCase());
  }

  /** Upper case, no port where it is the scheme's own, or a name of the certificate. */
  #isOtherSpelling(header: string): boolean {
    const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@\s]+))(?::(\d{1,5}))?$/.exec(header) ?? [];
    const name = bracketed ?? plain;
    if (name === undefined || Number(digits ?? this.#defaultPort) !== this.#port) return false;
    if (this.#known.has(authority(name, this.#port))) return true;
    if (this.#certificate === undefined) return false;
    return (isIP(name) === 0 ? this.#certificate.checkHost(name) : this.#certificate.checkIP(name)) !== undefined;
  }
}
