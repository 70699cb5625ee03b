import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns';
import { isIP } from 'node:net';

/** For tests: a name server of the test's own on loopback (RFC 1035 §4), which may say something else each time that it is asked. */
export class NameServer implements AsyncDisposable {
  /** Addresses by name; a list of lists is told in turns, the last one for ever. */
  readonly names = new Map<string, readonly (readonly string[])[]>();
  /** Names that were asked for, once for each resolution. */
  readonly asked: string[] = [];
  readonly #turns = new Map<string, number>();
  readonly #socket: Socket = createSocket('udp4');
  readonly #resolver = new Resolver({ timeout: 1000, tries: 1 });

  async listen(): Promise<void> {
    this.#socket.on('message', (query, from) => this.#socket.send(this.#answer(query), from.port, from.address));
    await new Promise<void>((resolve) => void this.#socket.bind(0, '127.0.0.1', resolve));
    this.#resolver.setServers([`127.0.0.1:${this.#socket.address().port}`]);
  }

  /** As `dns.lookup` with `all`, asking this server. */
  lookup(name: string, done: (error: Error | null, found: { address: string; family: number }[]) => void): void {
    this.asked.push(name);
    this.#resolver.resolve4(name, (_none, v4: readonly string[] | undefined) => this.#resolver.resolve6(name, (_neither, v6: readonly string[] | undefined) => {
      this.#turns.set(name, (this.#turns.get(name) ?? 0) + 1);
      const found = [...(v4 ?? []), ...(v6 ?? [])].map((address) => ({ address, family: isIP(address) }));
      done(found.length === 0 ? Object.assign(new Error('not found'), { code: 'ENOTFOUND' }) : null, found);
    }));
  }

  #answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    while (query[at] !== 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
      at += 1 + query[at]!;
    }
    const type = query.readUInt16BE(at + 1);
    const question = query.subarray(12, at + 5);
    const lists = this.names.get(labels.join('.').toLowerCase()) ?? [];
    const now = lists[Math.min(this.#turns.get(labels.join('.').toLowerCase()) ?? 0, lists.length - 1)] ?? [];
    const records = now.filter((address) => isIP(address) === (type === 1 ? 4 : type === 28 ? 6 : 0)).map((address) => {
      const bytes = type === 1 ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
      const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length]);
      return Buffer.concat([head, bytes]);
    });
    const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0]);
    return Buffer.concat([header, question, ...records]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => void this.#socket.close(() => resolve()));
  }
}

/** Of an address without an IPv4 part, in the short form. */
function ipv6Bytes(address: string): Buffer {
  const [before = '', after] = address.split('::') as [string, string?];
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [groups(before), groups(after ?? '')];
  const all = after === undefined ? first : [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
  return Buffer.concat(all.map((group) => Buffer.from([group >> 8, group & 0xff])));
}
