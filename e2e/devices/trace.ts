/** One command and its answer, without what they carried: data may be a PIN. */
interface Exchange {
  /** CLA, INS, P1 and P2 as hexadecimal: `00200080` is VERIFY of the PIV PIN. */
  readonly header: string;
  /** Bytes of the command APDU. */
  readonly sent: number;
  /** Bytes of response data, without the status word. */
  readonly received: number;
  /** The status word as hexadecimal, for instance `9000`. */
  readonly status: string;
}

/** What a card was asked, over all insertions. */
export class ApduTrace {
  readonly exchanges: Exchange[] = [];

  record(command: Uint8Array, response: Uint8Array): void {
    this.exchanges.push({
      header: Buffer.from(command.subarray(0, 4)).toString('hex'),
      sent: command.length,
      received: response.length - 2,
      status: Buffer.from(response.subarray(-2)).toString('hex'),
    });
  }

  /** @returns the instructions since the last call, as hexadecimal: `['20', '87']`. Forgets them. */
  take(): string[] {
    return this.exchanges.splice(0).map(({ header }) => header.slice(2, 4));
  }
}
