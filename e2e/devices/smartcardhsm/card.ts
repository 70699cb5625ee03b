import { randomBytes } from 'node:crypto';
import { ApduExchange, respond, StatusWord, SW, type Command } from '../apdu.ts';
import { OpenPgpApplication } from '../openpgp.ts';
import { tlv, valueOf, type Tlv } from '../tlv.ts';
import { VirtualToken } from '../virtual-token.ts';
import { curveOfPrime } from './curves.ts';
import { authenticatedRequest, testScheme, type SchemeAuthority } from './cvc.ts';
import { dkekStatus, importShare, newDkek, unwrap, wrap, type Dkek } from './dkek.ts';
import { deleteFile, enumerate, readBinary, selectFile, updateBinary } from './files.ts';
import { decipherWith, generateEc, generateRsa, signWith, type CardKey } from './keys.ts';
import { changeReference, initialize, resetRetry, verify } from './pin.ts';
import { FILE, newSession, objectsOf, PREFIX, type Hsm, type Memory } from './state.ts';

export interface SmartCardHsmOptions {
  /** `3.5` when left out; before 2.0 it says less about itself. */
  readonly version?: string;
  /** Eleven characters at most: two letters, a name, digits. */
  readonly serial?: string;
  readonly authority?: SchemeAuthority;
  /** As a user has set it up; never initialised when left out. */
  readonly setUp?: { readonly pin: string; /** 16 hexadecimal digits. */ readonly officerPin: string; readonly dkekShares?: number; readonly pinRetries?: number };
}

const ATR = Buffer.from('3bfe1800008131fe458031815448534d31738021408107fa', 'hex');
const AID = Buffer.from('e82b0601040181c31f0201', 'hex');
/** A key with this identifier is there already (ISO/IEC 7816-4 §5.6). */
const EXISTS = 0x6a89;
const MOST_RANDOM = 1024;
/** The command buffer of a JCOP card. */
const MOST_DATA = 1462;
/** In CLA of commands that ISO/IEC 7816-4 does not define. */
const PROPRIETARY = 0x80;

/** A SmartCard-HSM as its reader sees it. */
export class VirtualSmartCardHsm extends VirtualToken {
  readonly atr: Uint8Array = ATR;
  readonly serial: string;
  readonly authority: SchemeAuthority;
  readonly #exchange = new ApduExchange({ maxData: MOST_DATA, extended: true, proprietary: true });
  readonly #hsm: Hsm;
  #other = false;
  /** The status word of a good answer, where it is not 9000. */
  #warning: number = SW.success;

  constructor(options: SmartCardHsmOptions = {}) {
    super();
    const [major = 3, minor = 5] = (options.version ?? '3.5').split('.').map(Number);
    this.serial = options.serial ?? `XTHSM${100_000 + Math.floor(Math.random() * 900_000)}`;
    this.authority = options.authority ?? testScheme();
    const identity = this.authority.issue(this.serial);
    const { setUp } = options;
    const retries = setUp?.pinRetries ?? 3;
    const memory: Memory = {
      options: Buffer.from(setUp === undefined ? '0000' : '0001', 'hex'),
      pin: setUp === undefined ? undefined : { value: Buffer.from(setUp.pin), total: retries, left: retries },
      officerPin: setUp === undefined ? undefined : { value: Buffer.from(setUp.officerPin, 'hex'), total: 15, left: 15 },
      dkek: setUp?.dkekShares === undefined ? undefined : newDkek(setUp.dkekShares),
      keys: new Map([[0, identity.key]]), files: new Map([[FILE.deviceCertificate, identity.certificates]]),
    };
    this.#hsm = { version: [major, minor], identity, memory, session: newSession(), ledger: this.ledger };
  }

  /** What the card keeps: a test may look at it, and put into it what no client would. */
  get memory(): Memory {
    return this.#hsm.memory;
  }

  powerOn(): void {
    this.powerOff();
  }

  powerOff(): void {
    this.#hsm.session = newSession();
    this.#other = false;
    this.openpgp.deselected();
    this.#exchange.reset();
  }

  protected async answer(apdu: Uint8Array): Promise<Buffer> {
    this.#warning = SW.success;
    const response = await this.#exchange.run(apdu, (command) => this.#handle(command));
    return this.#warning !== SW.success && response.readUInt16BE(response.length - 2) === SW.success ? respond(response.subarray(0, -2), this.#warning) : response;
  }

  blockPin(): void {
    if (this.memory.pin !== undefined) this.memory.pin.left = 0;
  }

  blockOfficerPin(): void {
    if (this.memory.officerPin !== undefined) this.memory.officerPin.left = 0;
  }

  async #handle(command: Command): Promise<Uint8Array> {
    const hsm = this.#hsm;
    const { ins } = command;
    if (ins === 0xa4) return this.#select(command);
    if (this.#other) return this.openpgp.run(command);
    if (!hsm.session.selected) throw new StatusWord(SW.instruction);
    if ((command.cla & PROPRIETARY) !== 0) return this.#ownCommand(command);
    switch (ins) {
      case 0x20: return verify(hsm, command);
      case 0x24: return changeReference(hsm, command);
      case 0x2c: return resetRetry(hsm, command);
      case 0x46: return this.#generate(command);
      case 0x84: return randomBytes(Math.min(command.le ?? 0, MOST_RANDOM));
      case 0xb1: {
        const { data, status } = readBinary(hsm, command);
        this.#warning = status;
        return data;
      }
      case 0xd7: return updateBinary(hsm, command);
      case 0xe4: return deleteFile(hsm, command);
      default: throw new StatusWord(SW.instruction);
    }
  }

  #ownCommand(command: Command): Uint8Array {
    switch (command.ins) {
      case 0x50: return initialize(this.#hsm, command);
      case 0x52: return this.#keyShare(command);
      case 0x58: return enumerate(this.#hsm);
      case 0x62: return decipherWith(this.#keyToUse(command), command.p2, command.data);
      case 0x68: return signWith(this.#keyToUse(command), command.p2, command.data);
      case 0x72: return this.#wrap(command);
      case 0x74: return this.#unwrap(command);
      default: throw new StatusWord(SW.instruction);
    }
  }

  /** SELECT of the application by its name, which ends what was verified, or of a file. */
  #select(command: Command): Buffer {
    const hsm = this.#hsm;
    if (command.p1 === 0x04) {
      if (command.data.toString('hex') === OpenPgpApplication.aid) {
        hsm.session = newSession();
        this.#other = true;
        return Buffer.alloc(0);
      }
      if (!command.data.equals(AID)) throw new StatusWord(SW.fileNotFound);
      this.#other = false;
      this.openpgp.deselected();
      hsm.session = { ...newSession(), selected: true };
      const version = Buffer.from(hsm.version);
      return tlv(0x6f, tlv(0x82, Buffer.of(0x38)), tlv(0x84, AID), tlv(0x85, ...(hsm.version[0] < 2 ? [version] : [hsm.memory.options, Buffer.of(0xff), version])));
    }
    if (this.#other) return this.openpgp.run(command);
    if (!hsm.session.selected) throw new StatusWord(SW.fileNotFound);
    if (command.p1 !== 0) throw new StatusWord(SW.wrongParameters);
    return selectFile(hsm, command);
  }

  #keyToUse({ p1 }: Command): CardKey {
    const key = p1 === 0 ? undefined : this.memory.keys.get(p1);
    if (!this.#hsm.session.userVerified) throw new StatusWord(SW.securityStatus);
    if (key === undefined) throw new StatusWord(SW.fileNotFound);
    return key;
  }

  /** GENERATE ASYMMETRIC KEY PAIR: the request that it answers is kept beside the key. */
  async #generate({ p1, p2, data }: Command): Promise<Buffer> {
    const { session, memory, identity } = this.#hsm;
    if (!session.userVerified) throw new StatusWord(SW.securityStatus);
    if (p1 === 0 || p2 !== 0) throw new StatusWord(SW.wrongParameters);
    if (memory.keys.has(p1)) throw new StatusWord(EXISTS);
    const objects = objectsOf(data);
    const authority = valueOf(objects, 0x42);
    const wanted = valueOf(objects, 0x7f49);
    if (wanted === undefined || authority === undefined) throw new StatusWord(SW.wrongData);
    const key = await this.#newKey(objectsOf(wanted));
    const request = authenticatedRequest({ authority: authority.toString('latin1'), holder: `${this.serial}00001`, key, device: identity });
    memory.keys.set(p1, key);
    memory.files.set((PREFIX.certificate << 8) | p1, request);
    return request;
  }

  #newKey(wanted: Tlv[]): Promise<CardKey> {
    const bits = valueOf(wanted, 0x02);
    if (bits !== undefined) {
      const size = bits.length <= 3 ? bits.readUIntBE(0, bits.length) : 0;
      const most = this.#hsm.version[0] >= 3 ? 4096 : 2048;
      if (![1024, 1536, 2048, 3072, 4096].includes(size) || size > most) throw new StatusWord(SW.wrongData);
      return generateRsa(size);
    }
    const curve = curveOfPrime(valueOf(wanted, 0x81) ?? Buffer.alloc(0));
    if (curve === undefined) throw new StatusWord(SW.wrongData);
    return generateEc(curve);
  }

  #keyShare({ data }: Command): Buffer {
    const { dkek } = this.memory;
    if (dkek === undefined) throw new StatusWord(SW.instruction);
    if (data.length > 0) importShare(dkek, data);
    return dkekStatus(dkek);
  }

  #dkek(): Dkek {
    const { dkek } = this.memory;
    if (!this.#hsm.session.userVerified) throw new StatusWord(SW.securityStatus);
    if (dkek === undefined) throw new StatusWord(SW.instruction);
    if (dkek.outstanding > 0) throw new StatusWord(SW.conditionsOfUse);
    return dkek;
  }

  #wrap({ p1, p2 }: Command): Buffer {
    const dkek = this.#dkek();
    const key = p1 === 0 ? undefined : this.memory.keys.get(p1);
    if (p2 !== 0x92) throw new StatusWord(SW.wrongParameters);
    if (key === undefined) throw new StatusWord(SW.fileNotFound);
    return wrap(dkek, key);
  }

  /** The blob is in the command, or was written to a file before. */
  #unwrap({ p1, p2, data }: Command): Buffer {
    const { keys, files } = this.memory;
    const dkek = this.#dkek();
    if (p2 !== 0x93 || p1 === 0) throw new StatusWord(SW.wrongParameters);
    const blob = data.length > 0 ? data : files.get(FILE.wrappedKey);
    if (blob === undefined) throw new StatusWord(SW.fileNotFound);
    if (keys.has(p1)) throw new StatusWord(EXISTS);
    keys.set(p1, unwrap(dkek, blob));
    files.delete(FILE.wrappedKey);
    return Buffer.alloc(0);
  }
}
