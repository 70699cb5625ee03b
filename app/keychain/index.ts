import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { asKeywrightError, type Core } from '../contract/index.ts';
import { Dispatcher } from './dispatcher.ts';
import { EventBus } from './events.ts';
import { tellExpiring } from './expiry-watch.ts';
import { sweepSpool } from './files/spool.ts';
import { loadNoun } from './handlers/index.ts';
import { Jobs } from './jobs.ts';
import { Metrics } from './metrics.ts';
import type { Config, CoreKind, Ports } from './ports.ts';
import { PromptBroker } from './prompts.ts';
import type { About, Services } from './services.ts';
import { StoreManager } from './store-manager.ts';
import { emptyExpiredTrash } from './trash.ts';

export type { Begun, Config, ConfigEntry, ConfigValue, CoreKind, LaterBackend, Ports } from './ports.ts';

const SWEEP_EVERY = 10 * 60 * 1000;

export interface LocalCore extends Core {
  /** A face that listens adds its address, to be shown by `agent.status`. */
  readonly listening: string[];
}

/**
 * The service behind the contract, over the store in `dataDir`. Looks at the store but does not unlock it. One that is damaged or
 * too new does not keep it from starting: `store.status` tells what is wrong, and `store.restore` mends it.
 */
export async function createKeychain(options: { dataDir: string; kind: CoreKind; version: string; config: Config; ports: Ports; openapi: () => Promise<string> }): Promise<LocalCore> {
  const { dataDir, kind, config, ports } = options;
  const events = new EventBus();
  const prompts = new PromptBroker(events);
  const stores = new StoreManager(dataDir, kind, ports, config, events);
  await stores.start();
  const about: About = { version: options.version, kind, startedAt: new Date().toISOString(), listening: [], openapi: options.openapi };
  const spoolFolder = join(dataDir, 'spool');
  const jobs = new Jobs(events, () => (stores.state === 'unlocked' ? stores.session.jobs : undefined));
  const services: Services = { events, prompts, jobs, loadAhead: (noun) => void loadNoun(noun), run: (operation, input, options) => dispatcher.call(operation, input, options), stores, config, ports, metrics: new Metrics(), spoolFolder, about };
  const dispatcher: Dispatcher = new Dispatcher(services, ports.log);
  const sweep = (): void => {
    void sweepSpool(spoolFolder);
    void emptyExpiredTrash(services, ports.log);
    void tellExpiring(services, ports.log);
  };
  const sweeper = setInterval(sweep, SWEEP_EVERY);
  sweeper.unref();
  events.subscribe((event) => {
    if (event.type === 'store.changed' && event.state === 'unlocked') sweep();
  });
  await sweepSpool(spoolFolder);
  return {
    spoolFolder,
    listening: about.listening,
    call: (operation, input, callOptions) => dispatcher.call(operation, input, callOptions),
    subscribe: (listener) => events.subscribe(listener),
    async authenticate(token, face) {
      return stores.session.access.authenticate(token, face);
    },
    async refuse({ face, code, request, reason }) {
      await dispatcher.refused({
        at: new Date().toISOString(), request: randomUUID(), principal: 'unknown', principalName: 'unknown', face, operation: request.slice(0, 200), effect: 'refused', outcome: code, subjects: [], detail: reason.slice(0, 300),
      }).catch((thrown: unknown) => ports.log('error', 'a refusal could not be audited', { error: asKeywrightError(thrown) }));
    },
    attachPromptSurface: () => prompts.attachSurface(),
    async [Symbol.asyncDispose]() {
      clearInterval(sweeper);
      await stores[Symbol.asyncDispose]();
      await sweepSpool(spoolFolder, true);
    },
  };
}
