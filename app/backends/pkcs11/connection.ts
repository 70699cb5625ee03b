import { because, KeywrightError, type Call } from '../../contract/index.ts';
import type { PinKeeper } from '../../keystore/pins.ts';
import type { Provider } from '../worker/provider.ts';
import type { CapabilitySet } from '../../keystore/keystore.ts';
import type { Inputs, MechanismFacts, MethodName, SlotState, SlotToken } from './messages.ts';
import { peculiaritiesOf, type Peculiarities } from './peculiarities.ts';

/** When the module is taken to hang. Making keys is slow on cards, and pinpads wait for people. */
export interface Deadlines {
  readonly seconds: number;
  readonly generateSeconds: number;
}

interface ConnectionFacts {
  readonly id: string;
  readonly title: string;
  readonly slot: string;
  readonly state: SlotToken;
  readonly removable: boolean;
  readonly mechanisms: readonly MechanismFacts[];
  readonly capabilities: CapabilitySet;
  readonly deadlines: Deadlines;
  readonly peculiar?: Peculiarities;
}

type TokenMethod = Exclude<MethodName, 'slots.list'>;

/** One token through its module's worker, from its insertion to its removal. */
export class TokenConnection {
  readonly id: string;
  readonly title: string;
  readonly slot: string;
  readonly removable: boolean;
  readonly mechanisms: readonly MechanismFacts[];
  readonly capabilities: CapabilitySet;
  readonly deadlines: Deadlines;
  readonly peculiar: Peculiarities;
  state: SlotToken;
  readonly #provider: Provider;
  readonly #gone = new AbortController();
  #life: object | undefined;

  constructor(provider: Provider, facts: ConnectionFacts) {
    this.#provider = provider;
    this.id = facts.id;
    this.title = facts.title;
    this.slot = facts.slot;
    this.state = facts.state;
    this.removable = facts.removable;
    this.mechanisms = facts.mechanisms;
    this.capabilities = facts.capabilities;
    this.deadlines = facts.deadlines;
    this.peculiar = facts.peculiar ?? peculiaritiesOf(facts.state);
    this.#life = provider.life;
  }

  /** @param late what is thrown away when it comes after the caller has left, for the audit. */
  async call<M extends TokenMethod>(method: M, input: Omit<Inputs[M], 'slot'>, call: Pick<Call, 'signal'> & Partial<Pick<Call, 'discarded'>>, late?: string): Promise<unknown> {
    this.assertPresent();
    const { discarded } = call;
    try {
      return await this.#provider.call(method, { slot: this.slot, ...input }, {
        signal: call.signal, other: this.#gone.signal, seconds: method === 'keys.generate' ? this.deadlines.generateSeconds : this.deadlines.seconds,
        ...(late === undefined || discarded === undefined ? {} : { late: () => discarded(late) }),
      });
    } catch (thrown) {
      this.assertPresent(thrown);
      throw thrown;
    }
  }

  /** Asks the module for the token's flags as they are now. */
  async fresh(): Promise<SlotToken> {
    this.assertPresent();
    const slots = await this.#provider.call('slots.list', {}, { signal: this.#gone.signal, seconds: this.deadlines.seconds }) as SlotState[];
    const token = slots.find(({ slot }) => slot === this.slot)?.token ?? null;
    if (token === null) throw removed();
    this.state = token;
    return token;
  }

  /** What the worker held before its last start, it holds no more. */
  notice(pins: PinKeeper): void {
    const { life } = this.#provider;
    if (life === this.#life) return;
    this.#life = life;
    pins.tokenWasReset();
  }

  leave(): void {
    this.#gone.abort(removed());
  }

  assertPresent(cause?: unknown): void {
    if (this.#gone.signal.aborted) throw new KeywrightError('TOKEN_REMOVED', { ...removed().facts, ...(cause === undefined ? {} : { cause }) });
  }
}

function removed(): KeywrightError {
  return new KeywrightError('TOKEN_REMOVED', because('token.removed', {}));
}
