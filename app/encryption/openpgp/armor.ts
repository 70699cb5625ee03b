import { malformed } from '../../formats/malformed.ts';
import { CRC24_START, crc24, checksumText } from '../../formats/openpgp-packets.ts';
import { Base64Source, MOST_HEADER, pemWriter } from '../text-source.ts';

/** Armour of OpenPGP messages (RFC 9580 §6.2), decoded as it is read. Its checksum is not looked at, as §6.1 wants it: what is inside is authenticated. */

const LABEL = 'PGP MESSAGE';
export const BEGIN = `-----BEGIN ${LABEL}-----`;
const LONGEST_LINE = 1024 * 1024;
/** The checksum or the last line ends the body. */
const END = /(?:^|[\r\n])[\t ]*(?:=[A-Za-z0-9+/]{4}[\t ]*[\r\n]|-----END )/;

export class MessageArmorSource extends Base64Source {
  #text = '';
  #inBody = false;

  protected take(more: string, ended: boolean): boolean {
    this.#text += more;
    if (!this.#inBody) {
      const head = new RegExp(`${BEGIN}[\\t ]*\\r?\\n(?:[^\\r\\n]*\\S[^\\r\\n]*\\r?\\n)*[\\t ]*\\r?\\n`).exec(this.#text);
      if (head === null && (ended || this.#text.length > MOST_HEADER)) throw malformed('The armour of OpenPGP does not begin as it must.', 0);
      if (head === null) return false;
      this.#text = this.#text.slice(head.index + head[0].length);
      this.#inBody = true;
    }
    const end = /[=-]/.test(this.#text) ? END.exec(this.#text) : null;
    if (end === null && ended) throw malformed('The armour of OpenPGP is cut off.');
    // What may be the beginning of either waits for the rest.
    const line = end === null ? this.#text.lastIndexOf('\n') + 1 : end.index;
    if (line === 0 && this.#text.length > LONGEST_LINE) throw malformed('A line of the armour of OpenPGP is too long.');
    const left = this.decode(this.#text.slice(0, line), end !== null);
    if (left === undefined) throw malformed('The armour of OpenPGP should hold Base64.');
    this.#text = left + this.#text.slice(line);
    return end !== null;
  }
}

/** @param checksum without which GnuPG 2.2 does not find the end; version 6 has none. @returns what puts bytes into armour as they are written. */
export function messageArmor(write: (piece: Uint8Array) => Promise<void>, checksum: boolean): ReturnType<typeof pemWriter> {
  let crc = CRC24_START;
  const pem = pemWriter(LABEL, write, { after: '\n', ...(checksum && { before: () => `=${checksumText(crc)}\n` }) });
  return {
    write(piece) {
      if (checksum) crc = crc24(crc, piece);
      return pem.write(piece);
    },
    end: () => pem.end(),
  };
}
