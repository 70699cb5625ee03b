import { ApduExchange, StatusWord, SW, type Command } from '../apdu.ts';
import { OpenPgpApplication } from '../openpgp.ts';
import { tlv } from '../tlv.ts';
import { VirtualToken } from '../virtual-token.ts';
import { attest, testAuthority, type AttestationAuthority } from './attestation.ts';
import { setManagementKey } from './management-key.ts';
import { FORM_FACTORS, modelOf, type FormFactor, type Model } from './model.ts';
import { getData, putData } from './objects.ts';
import { management, otp, selectManagement, selectOtp, type Device } from './other-applications.ts';
import { changeReference, resetRetry, setRetries, verify } from './pin.ts';
import { generalAuthenticate, generateInSlot, importIntoSlot, metadata, moveKey } from './slots.ts';
import { ATTESTATION_CERTIFICATE, newSession, ORIGIN, PIN_POLICY, setToFactory, SLOT, TOUCH_POLICY, type Memory, type Piv } from './state.ts';
import { TouchSensor } from './touch.ts';

export interface YubiKeyOptions {
  /** `5.7.1` when left out; a 3.x is a NEO, a 4.x a YubiKey 4. */
  readonly firmware?: string;
  readonly serial?: number;
  readonly formFactor?: FormFactor;
  readonly nfc?: boolean;
  readonly authority?: AttestationAuthority;
  /** Whether MOVE KEY onto a slot with a key replaces that key; refused with 6985 when left out. */
  readonly moveOverwrites?: boolean;
}

/** AIDs: a client may name one by its beginning (ISO/IEC 7816-4 §12.2.3). */
const APPLICATIONS = {
  piv: 'a000000308000010000100',
  management: 'a000000527471117',
  otp: 'a000000527200101',
  openpgp: OpenPgpApplication.aid,
} as const;
type Application = keyof typeof APPLICATIONS;
const SHORTEST_AID = 5;

/** The application property template (SP 800-73-4 part 2 §3.1.1) as YubiKeys answer it. */
const PIV_TEMPLATE = Buffer.from('61114f0600001000010079074f05a000000308', 'hex');

/** A YubiKey as its reader sees it: the PIV application, and as much of others as tells serial number and firmware. */
export class VirtualYubiKey extends VirtualToken {
  readonly model: Model;
  readonly serial: number;
  readonly touch = new TouchSensor();
  readonly authority: AttestationAuthority;
  readonly #exchange: ApduExchange;
  readonly #piv: Piv;
  readonly #device: Device;
  #selected: Application | undefined;

  /** @throws RangeError for a firmware that no YubiKey with PIV has. */
  constructor(options: YubiKeyOptions = {}) {
    super();
    this.model = modelOf(options.firmware ?? '5.7.1');
    this.serial = options.serial ?? 10_000_000 + Math.floor(Math.random() * 20_000_000);
    this.authority = options.authority ?? testAuthority();
    const formFactor = FORM_FACTORS[options.formFactor ?? 'usb-c-keychain'];
    this.#device = { model: this.model, serial: this.serial, formFactor, nfc: options.nfc ?? true };
    const memory = { keys: new Map(), objects: new Map() } as Memory;
    setToFactory(memory, this.model);
    if (this.model.has.attestation) {
      const { key, publicKey, certificate } = this.authority.issue(this.model);
      const algorithm = key.asymmetricKeyType === 'rsa' ? 0x07 : 0x14;
      memory.keys.set(SLOT.attestation, { algorithm, privateKey: key, publicKey, pinPolicy: PIN_POLICY.never, touchPolicy: TOUCH_POLICY.never, origin: ORIGIN.imported });
      memory.objects.set(ATTESTATION_CERTIFICATE, tlv(0x70, certificate));
    }
    this.#piv = {
      model: this.model, serial: this.serial, formFactor, memory, session: newSession(), touch: this.touch, ledger: this.ledger, moveOverwrites: options.moveOverwrites ?? false,
    };
    this.#exchange = new ApduExchange({ maxData: this.model.maxData, extended: this.model.has.extendedLength });
  }

  get atr(): Uint8Array {
    return this.model.atr;
  }

  /** What the PIV application keeps: a test may look at it, and put into it what no client would. */
  get memory(): Memory {
    return this.#piv.memory;
  }

  powerOn(): void {
    this.powerOff();
  }

  powerOff(): void {
    this.#selected = undefined;
    this.#piv.session = newSession();
    this.#exchange.reset();
    this.touch.powerOff();
    this.openpgp.deselected();
  }

  protected answer(apdu: Uint8Array): Promise<Buffer> {
    return this.#exchange.run(apdu, (command) => this.#handle(command));
  }

  blockPin(): void {
    this.memory.pin.left = 0;
  }

  blockPuk(): void {
    this.memory.puk.left = 0;
  }

  async #handle(command: Command): Promise<Uint8Array> {
    if (command.ins === 0xa4) return this.#select(command);
    if (this.#selected === 'management') return management(this.#device, command);
    if (this.#selected === 'otp') return otp(this.#device, command);
    if (this.#selected === 'openpgp') return this.openpgp.run(command);
    if (this.#selected === undefined) throw new StatusWord(SW.instruction);
    try {
      return await this.#pivCommand(command);
    } finally {
      // The PIN counts for the policy *always* only in the very next command.
      if (command.ins !== 0x20) this.#piv.session.pinFresh = false;
    }
  }

  /** SELECT by name. What was selected stays so when there is no such application; what PIV knows of PIN and key ends with another one. */
  #select({ p1, data }: Command): Buffer {
    const aid = data.toString('hex');
    const found = (Object.keys(APPLICATIONS) as Application[]).find((name) => APPLICATIONS[name].startsWith(aid));
    if (p1 !== 0x04) throw new StatusWord(SW.wrongParameters);
    if (found === undefined || data.length < SHORTEST_AID) throw new StatusWord(SW.fileNotFound);
    this.#piv.session.pinFresh = false;
    if (found !== 'piv') this.#piv.session = newSession();
    this.#selected = found;
    this.openpgp.deselected();
    if (found === 'openpgp') return Buffer.alloc(0);
    return found === 'piv' ? PIV_TEMPLATE : found === 'otp' ? selectOtp(this.#device) : selectManagement(this.#device);
  }

  #pivCommand(command: Command): Uint8Array | Promise<Uint8Array> {
    const piv = this.#piv;
    const { has } = this.model;
    switch (command.ins) {
      case 0x20: return verify(piv, command);
      case 0x24: return changeReference(piv, command);
      case 0x2c: return resetRetry(piv, command);
      case 0x47: return generateInSlot(piv, command);
      case 0x87: return generalAuthenticate(piv, command);
      case 0xcb: return getData(piv, command);
      case 0xdb: return putData(piv, command);
      case 0xfa: return setRetries(piv, command);
      case 0xfb: return this.#reset();
      case 0xfd: return Buffer.from(this.model.piv);
      case 0xfe: return importIntoSlot(piv, command);
      case 0xff: return setManagementKey(piv, command);
      case 0xf6: if (has.moveKey) return moveKey(piv, command); break;
      case 0xf7: if (has.metadata) return metadata(piv, command); break;
      case 0xf8: if (has.serialInPiv) return this.#serialNumber(); break;
      case 0xf9: if (has.attestation) return attest(piv, command); break;
    }
    throw new StatusWord(SW.instruction);
  }

  #serialNumber(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.serial);
    return bytes;
  }

  /** Yubico's RESET: only once both PIN and PUK are blocked. The attestation slot stays as it is. */
  #reset(): Buffer {
    if (this.memory.pin.left > 0 || this.memory.puk.left > 0) throw new StatusWord(SW.conditionsOfUse);
    setToFactory(this.memory, this.model);
    this.#piv.session = newSession();
    this.ledger.changed('pin');
    this.ledger.changed('puk');
    this.ledger.blockedOnPurpose();
    return Buffer.alloc(0);
  }
}
