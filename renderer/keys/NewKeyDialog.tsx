import { HardDrive, Usb } from 'lucide-react';
import type { KeyAlgorithmName, KeyRecord, SlotRecord, TokenRecord } from '../../app/contract/index.ts';
import { KEY_ALGORITHMS, useAction, useOperation, type InputFor } from '../bridge/index.ts';
import { listOf, useText } from '../i18n/index.ts';
import { Button, Checkbox, ComboBox, commandOf, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Fact, Facts, Select, TextField, useDraft } from '../ui/index.ts';
import { algorithmChoices, algorithmHelp, algorithmName } from './algorithms.ts';
import { InTokenFields, useTokenPlace, type InToken } from './InTokenFields.tsx';
import { tagsOf } from './tags.ts';

interface Draft {
  backend: string;
  algorithm: KeyAlgorithmName;
  label: string;
  tags: string;
  extractable: boolean;
  ownPassphrase: boolean;
  inToken: InToken;
}

/** The slot of a token in which a dialog was opened: the place is given then. */
export interface IntoSlot {
  token: TokenRecord;
  slot: SlotRecord;
}

interface Place {
  /** What `keys.generate` calls it: an instance, or a token's id. */
  name: string;
  title: string;
  algorithms: readonly KeyAlgorithmName[];
  token: TokenRecord | undefined;
}

const FRESH: Draft = { backend: 'software', algorithm: 'ec-p256', label: '', tags: '', extractable: true, ownPassphrase: false, inToken: {} };
/** What a person may look for in a key: said, where a key has none of it. */
const SOUGHT = ['sign', 'encrypt'] as const;

/** @returns where a key can be made now: what holds keys itself, then each token that is plugged in. */
function usePlaces(open: boolean): Place[] {
  const t = useText();
  const backends = useOperation('backends.list', open ? {} : undefined);
  const tokens = useOperation('tokens.list', open ? { present: true } : undefined);
  const stores = backends.data?.backends.filter(({ state, capabilities, tokens: inTokens }) => state === 'ready' && !inTokens && capabilities.includes('generate')) ?? [];
  return [
    ...stores.map(({ name, title, builtIn, algorithms }) => ({ name, title: builtIn ? t('keys.thisComputer') : `${name} (${title})`, algorithms, token: undefined })),
    ...(tokens.data?.tokens ?? []).map((token) => ({ name: token.id, title: token.name, algorithms: [], token })),
  ];
}

/** A new key: with nothing typed, Enter makes a P-256 key with a name of the day. With `into`, it is made in that slot. */
export function NewKeyDialog({ open, into, proposed, onClose, onMade }: { open: boolean; into?: IntoSlot; /** What somebody has a use for. */ proposed?: Pick<Draft, 'algorithm' | 'label'>; onClose: () => void; onMade: (key: KeyRecord) => void }) {
  const t = useText();
  // Opened for one slot or in place of one key, it says nothing of what is wanted the next time.
  const [draft, change] = useDraft<Draft>(into === undefined && proposed === undefined ? 'keys.new' : undefined, into === undefined ? { ...FRESH, ...proposed } : { ...FRESH, backend: into.token.id, inToken: { slot: into.slot.slot } });
  const generate = useAction('keys.generate');
  const places = usePlaces(open);
  const place = places.find(({ name }) => name === draft.backend) ?? places[0];
  const token = place?.token;
  const inToken = useTokenPlace(open ? token?.id : undefined);
  const offered = token === undefined ? (place?.algorithms ?? []) : (inToken.detail?.algorithms ?? []);
  const algorithm = offered.includes(draft.algorithm) ? draft.algorithm : (offered[0] ?? draft.algorithm);
  const suggestion = t('keys.new.suggestedName', { algorithm: algorithmName(algorithm) });
  const tags = tagsOf(draft.tags);
  const input: InputFor<'keys.generate'> = {
    backend: place?.name ?? draft.backend, algorithm, label: draft.label.trim() === '' ? suggestion : draft.label.trim(),
    ...(tags.length > 0 && { tags }), ...(token !== undefined ? draft.inToken : { ...(!draft.extractable && { extractable: false }), ...(draft.ownPassphrase && { ownPassphrase: true }) }),
  };
  const close = (): void => {
    generate.reset();
    onClose();
  };
  const submit = async (): Promise<void> => {
    const key = await generate.run(input);
    if (key === undefined) return;
    change({ ...FRESH, backend: draft.backend, algorithm });
    close();
    onMade(key);
  };
  const can: readonly string[] | undefined = token === undefined ? undefined : inToken.detail?.capabilities;
  const usages = KEY_ALGORITHMS[algorithm].usages.filter((usage) => can === undefined || can.includes(usage));
  const uses = usages.map((usage) => t(`keys.usage.${usage}`));
  const cannot = [
    ...SOUGHT.filter((usage) => !usages.includes(usage)).map((usage) => t(`keys.usage.${usage}`)),
    ...(token !== undefined ? [t('keys.new.cannotLeave')] : draft.extractable ? [] : [t('keys.new.cannotLeaveStore')]),
  ];
  return (
    <Dialog title={into === undefined ? t('keys.new.title') : t('keys.new.inSlotTitle', { slot: into.slot.slot, token: into.token.name })} open={open} onClose={close} onSubmit={() => void submit()}>
      <DialogBody>
        <TextField label={t('keys.name')} placeholder={suggestion} value={draft.label} onChange={(label) => change({ label })} maxLength={200} autoFocus />
        <ComboBox label={t('keys.algorithm')} value={algorithm} onChange={(chosen) => change({ algorithm: chosen })} groups={algorithmChoices(offered, t)} help={algorithmHelp(algorithm, t)} />
        {places.length > 1 && into === undefined && <Select label={t('keys.place')} value={place?.name} onChange={(backend) => change({ backend, inToken: {} })} choices={places.map(({ name, title, token: one }) => ({ value: name, label: title, icon: one === undefined ? HardDrive : Usb }))} />}
        {token !== undefined && <InTokenFields place={inToken} value={draft.inToken} onChange={(chosen) => change({ inToken: chosen })} fixedSlot={into !== undefined} />}
        <TextField label={t('keys.tags')} help={t('keys.tagsHelp')} value={draft.tags} onChange={(text) => change({ tags: text })} />
        {token === undefined && (
          <div className="flex flex-col gap-2">
            <Checkbox isSelected={draft.extractable} onChange={(extractable) => change({ extractable })} help={t('keys.new.extractableHelp')}>{t('keys.new.extractable')}</Checkbox>
            <Checkbox isSelected={draft.ownPassphrase} onChange={(ownPassphrase) => change({ ownPassphrase })} help={t('keys.new.ownPassphraseHelp')}>{t('keys.new.ownPassphrase')}</Checkbox>
          </div>
        )}
        <div className="rounded-control border border-border bg-canvas p-3" aria-live="polite">
          <Facts>
            <Fact name={t('keys.new.willLive')}>{token !== undefined ? [token.name, draft.inToken.slot === undefined ? undefined : t('keys.new.inSlot', { slot: draft.inToken.slot })].filter(Boolean).join(', ') : place === undefined || place.name === 'software' ? t('keys.new.livesHere') : place.name}</Fact>
            <Fact name={t('keys.new.can')}>{listOf(uses, t)}</Fact>
            {cannot.length > 0 && <Fact name={t('keys.new.cannot')}>{listOf(cannot, t)}</Fact>}
            <Fact name={t('keys.command')}><code className="font-mono text-12 break-all">{commandOf('keys.generate', input)}</code></Fact>
          </Facts>
        </div>
        <ErrorNotice error={generate.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.generate" input={input} />}>
        <Button onPress={generate.pending ? generate.cancel : close}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={generate.pending}>{t('keys.new.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
