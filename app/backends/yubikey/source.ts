import type { Card, Readers } from '../../devices/index.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import type { Token } from '../../keystore/tokens.ts';
import { CardSource, type Inserted } from '../cards/source.ts';
import { discover, mayBeYubiKey } from './discovery.ts';
import { furtherRoots } from './further-roots.ts';
import type { YubiKeySettings } from './manifest.ts';
import { secretFiles } from './secret-files.ts';
import { tokenOf } from './token.ts';
import { YubiKey } from './yubikey.ts';

/** The YubiKeys in the readers of this machine, as they come and go. */
export class YubiKeySource extends CardSource<YubiKey> {
  readonly #instance: string;
  readonly #settings: YubiKeySettings;
  readonly #deps: BackendDeps;

  constructor(instance: string, settings: YubiKeySettings, deps: BackendDeps, readers: Readers) {
    super('yubikey', readers);
    this.#instance = instance;
    this.#settings = settings;
    this.#deps = deps;
    this.start();
  }

  protected override mayBeOurs(atr: Uint8Array): boolean {
    return mayBeYubiKey(atr);
  }

  protected override async recognise(card: Card): Promise<YubiKey | undefined> {
    const discovered = await card.exclusively((channel) => discover(channel));
    if (discovered === undefined) return undefined;
    const name = discovered.serial ?? discovered.guid ?? '';
    const fromFile = secretFiles(this.#settings, name);
    const key: YubiKey = new YubiKey(card, discovered, {
      instance: this.#instance, storage: this.#deps.storage, keepPinMinutes: this.#deps.keepPinMinutes, refused: this.refusedBy(name, fromFile), furtherRoots: () => furtherRoots(this.#settings.attestationRoots),
      ...(fromFile === undefined ? {} : { fromFile }),
      onChange: () => { if (this.inserted().some(({ device, shadowed }) => device === key && !shadowed)) this.tell({ type: 'changed', id: key.facts.id }); },
    });
    return key;
  }

  protected override tokenOf(_inserted: () => Inserted<YubiKey>, key: YubiKey): Token {
    return tokenOf(key);
  }

  protected override trusts(key: YubiKey): boolean {
    return key.trusted;
  }
}
