import type { backendOperations, certificateCheckOperations, certificateMakingOperations, certificateOperations, certificateRevocationOperations, encryptionOperations, fileOperations, healthOperations, InputOf, keyOperations, keyUseOperations, OutputOf, serviceOperations, storeOperations, tokenOperations } from '../../contract/index.ts';
import type { Context } from '../context.ts';
import type { Handler } from '../dispatcher.ts';

type AllOperations =
  | (typeof backendOperations)[keyof typeof backendOperations]
  | (typeof encryptionOperations)[keyof typeof encryptionOperations]
  | (typeof certificateCheckOperations)[keyof typeof certificateCheckOperations]
  | (typeof certificateMakingOperations)[keyof typeof certificateMakingOperations]
  | (typeof certificateRevocationOperations)[keyof typeof certificateRevocationOperations]
  | (typeof certificateOperations)[keyof typeof certificateOperations]
  | (typeof fileOperations)[keyof typeof fileOperations]
  | (typeof healthOperations)[keyof typeof healthOperations]
  | (typeof keyOperations)[keyof typeof keyOperations]
  | (typeof keyUseOperations)[keyof typeof keyUseOperations]
  | (typeof serviceOperations)[keyof typeof serviceOperations]
  | (typeof storeOperations)[keyof typeof storeOperations]
  | (typeof tokenOperations)[keyof typeof tokenOperations];

type Declared = Extract<AllOperations, { id: string; http: unknown }>;

/** The handlers of a noun, each typed by its operation's record. */
export type HandlersOf<Prefix extends string> = {
  [Id in Extract<Declared['id'], `${Prefix}.${string}`>]: (
    input: InputOf<Extract<Declared, { id: Id }>>, context: Context,
  ) => Promise<OutputOf<Extract<Declared, { id: Id }>>>;
};

/** Type-checks the handlers of one noun against the contract: none missing, none too many. */
export function handlersOf<Prefix extends string>(_noun: Prefix, handlers: HandlersOf<Prefix>): ReadonlyMap<string, Handler> {
  return new Map(Object.entries(handlers) as [string, Handler][]);
}

/** @returns handlers of a part of a noun, whose code is loaded when one of them is called first: most commands need few. */
export function loadedLater<Part extends object>(ids: readonly (keyof Part & string)[], load: () => Promise<Part>): Part {
  let loaded: Record<string, Handler> | undefined;
  const handler = (id: string): Handler => (input, context) => (loaded === undefined
    ? load().then((part) => (loaded = part as Record<string, Handler>)[id]!(input, context))
    : loaded[id]!(input, context));
  return Object.fromEntries(ids.map((id) => [id, handler(id)])) as Part;
}
