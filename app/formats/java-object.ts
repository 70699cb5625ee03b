import { malformed, notSupported } from './malformed.ts';

/** Objects as Java writes them (Java Object Serialization Specification §6.4), as far as key stores need it. Nothing is made of them: fields are read by name. */

export interface JavaObject {
  readonly className: string;
  /** Of the class and those above it. */
  readonly fields: ReadonlyMap<string, JavaValue>;
}
type JavaValue = JavaObject | Uint8Array | string | bigint | null;

interface ClassDescription {
  readonly name: string;
  readonly flags: number;
  readonly fields: readonly { readonly type: string; readonly name: string }[];
  readonly above: ClassDescription | null;
}

const STREAM_HEADER = 0xaced0005;
const [NULL, REFERENCE, CLASS, OBJECT, STRING, ARRAY, BLOCK, END, ENUM] = [0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x77, 0x78, 0x7e];
const SIZES: Readonly<Record<string, number>> = { B: 1, C: 2, D: 8, F: 4, I: 4, J: 8, S: 2, Z: 1 };
const FIRST_HANDLE = 0x7e0000;
const MAX_DEPTH = 16;
const MAX_HANDLES = 1000;
const [WRITE_METHOD, SERIALIZABLE] = [1, 2];

/**
 * @param at where the stream begins in `bytes`.
 * @returns the object, and where it ends. @throws INVALID_INPUT with the offset, CAPABILITY_MISSING for what key stores do not hold
 */
export function readJavaObject(bytes: Uint8Array, at: number): { object: JavaObject; end: number } {
  const reader = new ObjectReader(bytes, at);
  if (reader.number(4) !== BigInt(STREAM_HEADER)) throw malformed('An object of Java should begin with ACED0005.', at);
  const object = reader.value(0);
  if (object === null || typeof object !== 'object' || object instanceof Uint8Array) throw malformed('Where an object of Java should be is something else.', at + 4);
  return { object, end: reader.at };
}

class ObjectReader {
  readonly #bytes: Uint8Array;
  readonly #handles: (JavaValue | ClassDescription)[] = [];
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** @returns an unsigned number of up to 8 bytes. */
  number(size: number): bigint {
    let value = 0n;
    for (const byte of this.#take(size)) value = (value << 8n) | BigInt(byte);
    return value;
  }

  value(depth: number): JavaValue {
    const { at } = this;
    if (depth > MAX_DEPTH) throw malformed('The object of Java is nested too deeply.', at);
    const tag = Number(this.number(1));
    switch (tag) {
      case NULL: return null;
      case REFERENCE: {
        const value = this.#referred(at);
        if (value !== null && typeof value === 'object' && 'flags' in value) throw malformed('A class stands where an object should be.', at);
        return value as JavaValue;
      }
      case STRING: return this.#named(this.#text());
      case OBJECT: return this.#object(depth);
      case ARRAY: return this.#array(at, depth);
      case ENUM: {
        this.#class(depth + 1);
        const slot = this.#reserve(at);
        const name = this.value(depth + 1);
        this.#handles[slot] = name;
        return name;
      }
      default: throw notSupported(`The object of Java holds something that no key store does (0x${tag.toString(16)}).`);
    }
  }

  #object(depth: number): JavaObject {
    const { at } = this;
    const description = this.#class(depth + 1);
    if (description === null) throw malformed('The object of Java has no class.', at);
    const fields = new Map<string, JavaValue>();
    const object: JavaObject = { className: description.name, fields };
    this.#handles[this.#reserve(at)] = object;
    const classes: ClassDescription[] = [];
    for (let one: ClassDescription | null = description; one !== null; one = one.above) classes.unshift(one);
    for (const one of classes) {
      if ((one.flags & SERIALIZABLE) === 0) throw notSupported('The object of Java is written in a way of its own.');
      for (const { type, name } of one.fields) {
        const size = SIZES[type];
        fields.set(name, size === undefined ? this.value(depth + 1) : this.number(size));
      }
      if ((one.flags & WRITE_METHOD) !== 0) this.#skipAnnotations(depth + 1);
    }
    return object;
  }

  #array(at: number, depth: number): Uint8Array {
    const description = this.#class(depth + 1);
    if (description?.name !== '[B') throw notSupported('The object of Java holds an array of something else than bytes.');
    const slot = this.#reserve(at);
    const bytes = this.#take(Number(this.number(4)));
    this.#handles[slot] = bytes;
    return bytes;
  }

  #class(depth: number): ClassDescription | null {
    const { at } = this;
    if (depth > MAX_DEPTH) throw malformed('The classes of the object are nested too deeply.', at);
    const tag = Number(this.number(1));
    if (tag === NULL) return null;
    if (tag === REFERENCE) {
      const value = this.#referred(at);
      if (value === null || typeof value !== 'object' || !('flags' in value)) throw malformed('An object stands where a class should be.', at);
      return value;
    }
    if (tag !== CLASS) throw notSupported(`The class of the object is told in a way that no key store uses (0x${tag.toString(16)}).`);
    const name = this.#text();
    this.number(8); // serialVersionUID
    const slot = this.#reserve(at);
    const flags = Number(this.number(1));
    const count = Number(this.number(2));
    const fields: { type: string; name: string }[] = [];
    for (let index = 0; index < count; index++) {
      const type = String.fromCharCode(Number(this.number(1)));
      const field = { type, name: this.#text() };
      if (SIZES[type] === undefined) {
        if (type !== 'L' && type !== '[') throw malformed('A field of the object is of an unknown type.', this.at);
        this.value(depth + 1); // the name of its class
      }
      fields.push(field);
    }
    this.#skipAnnotations(depth + 1);
    const description: ClassDescription = { name, flags, fields, above: this.#class(depth + 1) };
    this.#handles[slot] = description;
    return description;
  }

  #skipAnnotations(depth: number): void {
    while (this.#bytes[this.at] !== END) {
      if (this.#bytes[this.at] === BLOCK) {
        this.at++;
        this.#take(Number(this.number(1)));
      } else this.value(depth);
    }
    this.at++;
  }

  #referred(at: number): JavaValue | ClassDescription {
    const index = Number(this.number(4)) - FIRST_HANDLE;
    const value = this.#handles[index];
    if (value === undefined) throw malformed('The object of Java refers to something that is not there.', at);
    return value;
  }

  #reserve(at: number): number {
    if (this.#handles.length >= MAX_HANDLES) throw malformed(`The object of Java has more than ${MAX_HANDLES} parts.`, at);
    return this.#handles.push(null) - 1;
  }

  #named(text: string): string {
    this.#handles[this.#reserve(this.at)] = text;
    return text;
  }

  #text(): string {
    return Buffer.from(this.#take(Number(this.number(2)))).toString('utf8');
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.at) throw malformed(`A part of the object claims ${length} bytes, but ${Math.max(0, this.#bytes.length - this.at)} remain.`, this.at);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}
