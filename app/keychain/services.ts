import type { CallOptions, Noun } from '../contract/index.ts';
import type { Config, CoreKind, Ports } from './ports.ts';
import type { EventBus } from './events.ts';
import type { Jobs } from './jobs.ts';
import type { PromptBroker } from './prompts.ts';
import type { StoreManager } from './store-manager.ts';
import type { Metrics } from './metrics.ts';

/** What lives as long as the core, locked or not. */
export interface Services {
  readonly events: EventBus;
  readonly prompts: PromptBroker;
  readonly jobs: Jobs;
  /** Loads what the operations of a noun need, before one is called. */
  readonly loadAhead: (noun: Noun) => void;
  /** The dispatcher, for a job that is gone on with. */
  readonly run: (operation: string, input: unknown, options: CallOptions) => Promise<unknown>;
  readonly stores: StoreManager;
  readonly config: Config;
  readonly ports: Ports;
  readonly metrics: Metrics;
  readonly spoolFolder: string;
  readonly about: About;
}

export interface About {
  readonly version: string;
  readonly kind: CoreKind;
  readonly startedAt: string;
  /** Addresses of the faces that listen; they add themselves. */
  readonly listening: string[];
  /** The OpenAPI document as JSON text, from the face that knows it. */
  readonly openapi: () => Promise<string>;
}
