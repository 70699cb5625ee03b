import { useState } from 'react';
import type { KeyAlgorithmName, KeyRecord } from '../../app/contract/index.ts';
import { KEY_ALGORITHMS, useAction, useOperation, type InputFor } from '../bridge/index.ts';
import { listOf, useText } from '../i18n/index.ts';
import { Button, Checkbox, ComboBox, commandOf, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Fact, Facts, Select, TextField } from '../ui/index.ts';
import { algorithmChoices, algorithmHelp, algorithmName } from './algorithms.ts';
import { tagsOf } from './tags.ts';

interface Draft {
  backend: string;
  algorithm: KeyAlgorithmName;
  label: string;
  tags: string;
  extractable: boolean;
  ownPassphrase: boolean;
}

const FRESH: Draft = { backend: 'software', algorithm: 'ec-p256', label: '', tags: '', extractable: true, ownPassphrase: false };
/** What was typed is kept for the next opening; nothing in it is secret. */
let kept: Draft = FRESH;

/** A new key: with nothing typed, Enter makes a P-256 key with a name of the day. */
export function NewKeyDialog({ open, onClose, onMade }: { open: boolean; onClose: () => void; onMade: (key: KeyRecord) => void }) {
  const t = useText();
  const [draft, setDraft] = useState(kept);
  const generate = useAction('keys.generate');
  const backends = useOperation('backends.list', open ? {} : undefined);
  const places = backends.data?.backends.filter(({ state, capabilities }) => state === 'ready' && capabilities.includes('generate')) ?? [];
  const place = places.find(({ name }) => name === draft.backend) ?? places[0];
  const offered = (place?.algorithms ?? []) as KeyAlgorithmName[];
  const algorithm = offered.includes(draft.algorithm) ? draft.algorithm : (offered[0] ?? draft.algorithm);
  const suggestion = t('keys.new.suggestedName', { algorithm: algorithmName(algorithm) });
  const tags = tagsOf(draft.tags);
  const input: InputFor<'keys.generate'> = {
    backend: place?.name ?? draft.backend, algorithm, label: draft.label.trim() === '' ? suggestion : draft.label.trim(),
    ...(tags.length > 0 && { tags }), ...(!draft.extractable && { extractable: false }), ...(draft.ownPassphrase && { ownPassphrase: true }),
  };
  const change = (part: Partial<Draft>): void => {
    kept = { ...draft, ...part };
    setDraft(kept);
  };
  const close = (): void => {
    generate.reset();
    onClose();
  };
  const submit = async (): Promise<void> => {
    const key = await generate.run(input);
    if (key === undefined) return;
    kept = { ...FRESH, backend: draft.backend, algorithm };
    setDraft(kept);
    close();
    onMade(key);
  };
  const uses = KEY_ALGORITHMS[algorithm].usages.map((usage) => t(`keys.usage.${usage}`));
  return (
    <Dialog title={t('keys.new.title')} open={open} onClose={close} onSubmit={() => void submit()}>
      <DialogBody>
        <TextField label={t('keys.name')} placeholder={suggestion} value={draft.label} onChange={(label) => change({ label })} maxLength={200} autoFocus />
        <ComboBox label={t('keys.algorithm')} value={algorithm} onChange={(chosen) => change({ algorithm: chosen })} groups={algorithmChoices(offered, t)} help={algorithmHelp(algorithm, t)} />
        {places.length > 1 && (
          <Select label={t('keys.place')} value={place?.name} onChange={(backend) => change({ backend })} choices={places.map(({ name, title, builtIn }) => ({ value: name, label: builtIn ? t('keys.thisComputer') : `${name} (${title})` }))} />
        )}
        <TextField label={t('keys.tags')} help={t('keys.tagsHelp')} value={draft.tags} onChange={(text) => change({ tags: text })} />
        <div className="flex flex-col gap-2">
          <Checkbox isSelected={draft.extractable} onChange={(extractable) => change({ extractable })} help={t('keys.new.extractableHelp')}>{t('keys.new.extractable')}</Checkbox>
          <Checkbox isSelected={draft.ownPassphrase} onChange={(ownPassphrase) => change({ ownPassphrase })} help={t('keys.new.ownPassphraseHelp')}>{t('keys.new.ownPassphrase')}</Checkbox>
        </div>
        <div className="rounded-control border border-border bg-canvas p-3" aria-live="polite">
          <Facts>
            <Fact name={t('keys.new.willLive')}>{place === undefined || place.builtIn ? t('keys.new.livesHere') : place.name}</Fact>
            <Fact name={t('keys.new.can')}>{listOf(uses, t)}</Fact>
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
