import { randomUUID } from 'node:crypto';
import { VirtualYubiKey, type YubiKeyOptions as CardOptions } from '../../../../e2e/devices/yubikey/card.ts';
import { SecretBytes, type PromptAnswer, type PromptRequest } from '../../../contract/index.ts';
import { memoryCard, type MemoryLink } from '../../../devices/testing/memory-link.ts';
import type { Card } from '../../../devices/index.ts';
import type { KeyCall } from '../../../keystore/keystore.ts';
import { RefusedSecrets, type TokenSecretKind } from '../../../keystore/pins.ts';
import { callFor } from '../../../keystore/testing/calls.ts';
import type { Token } from '../../../keystore/tokens.ts';
import { memoryKind } from '../../../storage/memory/index.ts';
import type { Storage } from '../../../storage/storage.ts';
import { discover } from '../discovery.ts';
import { tokenOf } from '../token.ts';
import { YubiKey } from '../yubikey.ts';

/** A virtual YubiKey on a line that is a function: no reader, no service. */
export interface Plugged {
  readonly virtual: VirtualYubiKey;
  readonly card: Card;
  readonly link: MemoryLink;
  readonly key: YubiKey;
  readonly token: Token;
  readonly storage: Storage;
  /** Instructions since the last look, in hex. */
  taken(): string[];
  /** A call by somebody who answers prompts; what was asked is in `asked`. */
  call(answers?: Answers, options?: { signal?: AbortSignal; principal?: string; id?: string }): KeyCall & { readonly asked: PromptRequest[]; readonly late: string[] };
}

/** By purpose: what is typed, in turn when there are several; `true` confirms and types what is asked for. Each is told to the card’s ledger as entered. */
export type Answers = Partial<Record<PromptRequest['purpose'], string | readonly string[] | true>>;

let calls = 0;

export interface PlugOptions extends CardOptions {
  readonly card?: VirtualYubiKey;
  readonly storage?: Storage;
  readonly keepPinMinutes?: number;
  /** The configured secret source. */
  readonly pin?: string;
  /** In the same source, hexadecimal digits. */
  readonly managementKey?: string;
  readonly roots?: readonly Uint8Array[];
}

export async function plug(options: PlugOptions = {}): Promise<Plugged> {
  const virtual = options.card ?? new VirtualYubiKey(options);
  virtual.inserted();
  virtual.powerOn();
  const { card, link } = memoryCard((apdu) => virtual.transmit(apdu));
  const discovered = await card.exclusively((channel) => discover(channel));
  if (discovered === undefined) throw new Error('it is no YubiKey');
  const storage = options.storage ?? (await memoryKind.open({ folder: randomUUID(), create: true }));
  const { pin, managementKey } = options;
  const configured = (kind: TokenSecretKind): string | undefined => (kind === 'pin' ? pin : kind === 'management-key' ? managementKey : undefined);
  if (pin !== undefined) virtual.ledger.entered(pin);
  const key = new YubiKey(card, discovered, {
    instance: 'yubikey', storage, keepPinMinutes: () => options.keepPinMinutes ?? 15, refused: new RefusedSecrets(), furtherRoots: async () => options.roots ?? [], onChange: () => undefined,
    ...(pin === undefined && managementKey === undefined ? {} : { fromFile: async (kind) => { const text = configured(kind); return text === undefined ? undefined : SecretBytes.fromText(text); } }),
  });
  virtual.trace.take();
  return {
    virtual, card, link, key, storage, token: tokenOf(key),
    taken: () => virtual.trace.take(),
    call(answers = {}, { signal, principal = 'owner', id = `call ${(calls += 1)}` } = {}) {
      const asked: PromptRequest[] = [];
      const late: string[] = [];
      const left = new Map(Object.entries(answers).map(([purpose, answer]) => [purpose, Array.isArray(answer) ? [...answer as string[]] : answer as string | true]));
      const base = callFor(storage, signal === undefined ? {} : { signal });
      return {
        ...base, id, asked, late, principal: { ...base.principal, id: principal }, discarded: (what) => void late.push(what),
        prompt: {
          interactive: true,
          async ask(request, ended): Promise<PromptAnswer> {
            asked.push(request);
            const answer = left.get(request.purpose);
            if (request.kind === 'touch') return new Promise((_resolve, reject) => { ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true }); });
            const typed = Array.isArray(answer) ? (answer.length > 1 ? answer.shift() : answer[0]) : answer;
            if (typed === undefined) return base.prompt.ask(request, ended);
            if (request.kind === 'confirm') return { kind: 'confirmed', ...(request.typed === undefined ? {} : { typed: typed === true ? request.typed : typed }) };
            virtual.ledger.entered(String(typed));
            return { kind: 'secret', secret: String(typed), lastTry: true };
          },
        },
      };
    },
  };
}
