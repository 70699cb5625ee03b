import { useState } from 'react';
import { CheckboxGroup } from 'react-aria-components';
import type { KeyRecord } from '../../app/contract/index.ts';
import { useAction, useBridge } from '../bridge/index.ts';
import { useText, wholeNumber } from '../i18n/index.ts';
import { Button, Checkbox, Dialog, DialogActions, DialogBody, ErrorNotice, FieldLabel, forgetDrafts, ProgressBar, TextField, useDraft, useToast } from '../ui/index.ts';
import { useMany } from './many.ts';
import { tagCounts, tagsAfter } from './selection-summary.ts';
import { tagsOf } from './tags.ts';

const DRAFT = 'keys.tags';

/** Adds tags to several keys, and takes others away from them. */
export function TagDialog({ keys, onClose }: { keys: readonly KeyRecord[]; onClose: () => void }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const update = useAction('keys.update');
  const many = useMany();
  const [{ added }, change] = useDraft(DRAFT, { added: '' });
  const [removed, setRemoved] = useState<readonly string[]>([]);
  const adding = tagsOf(added);
  const tags = tagCounts(keys);
  const pending = many.at !== undefined;
  /** @returns what a key's tags were. */
  const set = async (key: KeyRecord, tagsFor: (tags: readonly string[]) => readonly string[]): Promise<readonly string[] | undefined> => {
    // A row may be older than the key: what somebody else has tagged it with meanwhile stays.
    const now = await bridge.call('keys.show', { key: key.id }).catch(() => key);
    const next = [...tagsFor(now.tags)];
    if (next.join() === now.tags.join()) return now.tags;
    return (await update.run({ key: key.id, tags: next, ifRevision: now.revision })) === undefined ? undefined : now.tags;
  };
  const submit = async (): Promise<void> => {
    if (pending || (adding.length === 0 && removed.length === 0)) return;
    const before = new Map<KeyRecord, readonly string[]>();
    const taken = new Set(removed);
    const done = await many.run(keys, async (key) => {
      const were = await set(key, (own) => tagsAfter(own, adding, taken));
      if (were !== undefined) before.set(key, were);
      return were !== undefined;
    });
    if (done.length > 0) toast({ text: t('keys.tagged', { n: done.length, shown: wholeNumber(done.length, t.language) }), action: { label: t('common.undo'), onAction: () => void takeBack(before) } });
    if (done.length < keys.length) return;
    forgetDrafts(DRAFT);
    onClose();
  };
  const takeBack = async (before: ReadonlyMap<KeyRecord, readonly string[]>): Promise<void> => {
    for (const [key, tagsThen] of before) if ((await set(key, () => tagsThen)) === undefined) return;
  };
  return (
    <Dialog title={t('keys.tagTitle', { n: keys.length, shown: wholeNumber(keys.length, t.language) })} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        <TextField label={t('keys.addTags')} help={t('keys.tagsHelp')} value={added} onChange={(text) => change({ added: text })} autoFocus />
        {tags.length > 0 && (
          <CheckboxGroup value={[...removed]} onChange={setRemoved} className="flex flex-col gap-1.5">
            <FieldLabel>{t('keys.removeTags')}</FieldLabel>
            <div className="flex max-h-40 flex-wrap gap-x-5 gap-y-1.5 overflow-y-auto">
              {tags.map(({ value, n }) => <Checkbox key={value} value={value}>{t('keys.counted', { value, n: wholeNumber(n, t.language) })}</Checkbox>)}
            </div>
          </CheckboxGroup>
        )}
        {many.at !== undefined && <ProgressBar label={t('keys.tag')} fraction={many.at.done / many.at.total} />}
        <ErrorNotice error={update.error} />
      </DialogBody>
      <DialogActions>
        <Button onPress={pending ? many.stop : onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={pending} isDisabled={adding.length === 0 && removed.length === 0}>{t('keys.tagAction', { n: keys.length, shown: wholeNumber(keys.length, t.language) })}</Button>
      </DialogActions>
    </Dialog>
  );
}
