import { PinLedger } from '../../../../e2e/devices/pin-ledger.ts';
import type { PromptPurpose, PromptRequest } from '../../../contract/index.ts';
import type { z } from 'zod';
import type { KeyCall } from '../../../keystore/keystore.ts';
import { callFor } from '../../../keystore/testing/calls.ts';
import type { Storage } from '../../../storage/storage.ts';

type Purpose = z.output<typeof PromptPurpose>;

/** A person at the prompts: what they type by purpose, once or several times, and what they were asked and shown. */
export class Person {
  readonly asked: PromptRequest[] = [];
  /** What `show-secret` prompts showed. */
  readonly shown: string[] = [];
  readonly #types: Partial<Record<Purpose, string | string[]>>;
  readonly #storage: Storage;

  constructor(storage: Storage, types: Partial<Record<Purpose, string | string[]>>) {
    this.#storage = storage;
    this.#types = types;
  }

  get purposes(): string[] {
    return this.asked.map(({ purpose }) => purpose);
  }

  /** @returns a call that this person makes and answers. Each is one of its own. */
  call(signal?: AbortSignal): KeyCall {
    const call = callFor(this.#storage, signal === undefined ? {} : { signal });
    return {
      ...call, id: `call ${Math.random()}`,
      prompt: {
        interactive: true,
        ask: async (request) => {
          this.asked.push(request);
          if (request.kind === 'show-secret') {
            this.shown.push(request.secret);
            return { kind: 'confirmed' };
          }
          if (request.kind === 'confirm') return { kind: 'confirmed', ...(request.typed === undefined ? {} : { typed: request.typed }) };
          const typed = this.#types[request.purpose];
          const secret = Array.isArray(typed) ? typed.shift() : typed;
          if (secret === undefined) return { kind: 'cancelled' };
          PinLedger.typed(secret);
          return { kind: 'secret', secret, ...(request.kind === 'secret' && request.triesLeft === 1 ? { lastTry: true } : {}) };
        },
      },
    };
  }
}
