import { operationsOf, type Noun, type Operation } from '../../contract/index.ts';
import type { Handler } from '../dispatcher.ts';

const service = async (): Promise<ReadonlyMap<string, Handler>> => (await import('./service.ts')).serviceHandlers;

/** The handlers of each noun. */
export const HANDLERS: Readonly<Record<Noun, () => Promise<ReadonlyMap<string, Handler>>>> = {
  store: async () => (await import('./store.ts')).storeHandlers,
  backends: async () => (await import('./backends.ts')).backendHandlers,
  keys: async () => (await import('./keys.ts')).keyHandlers,
  certificates: async () => (await import('./certificates.ts')).certificateHandlers,
  files: async () => (await import('./files.ts')).fileHandlers,
  tokens: async () => (await import('./tokens.ts')).tokenHandlers,
  jobs: service,
  audit: service,
  access: service,
  config: service,
  agent: service,
  doctor: service,
  health: async () => (await import('./health.ts')).healthHandlers,
  prompts: service,
};

/** An operation, and what carries it out. */
export interface Handled {
  readonly operation: Operation;
  readonly handler: Handler;
}

/** Loads a noun, with its part of the contract: a command needs one or two. @returns what it has, by id; nothing for a word that is no noun. */
export async function loadNoun(noun: string): Promise<ReadonlyMap<string, Handled>> {
  const operations = await operationsOf(noun);
  if (operations.length === 0) return new Map();
  const handlers = await HANDLERS[noun as Noun]();
  return new Map(operations.map((operation) => [operation.id, { operation, handler: handlers.get(operation.id) as Handler }]));
}
