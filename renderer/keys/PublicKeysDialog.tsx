import { useState } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { asProblem, decodeText, useBridge } from '../bridge/index.ts';
import { listOf, useText, wholeNumber } from '../i18n/index.ts';
import { Button, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, ProgressBar, RadioGroup, useToast } from '../ui/index.ts';
import { useMany } from './many.ts';
import { hasPublicKey } from './selection-summary.ts';
import { PUBLIC_SETS, publicSet, SET_FILES, type PublicSet } from './public-keys.ts';

/** What a form has no place for is left out, and named; all else that fails ends it. */
const LEFT_OUT = new Set(['CAPABILITY_MISSING', 'INVALID_INPUT']);
const MOST_NAMED = 5;

/** The public halves of several keys, in one file: of those that have one. */
export function PublicKeysDialog({ keys: selected, onClose }: { keys: readonly KeyRecord[]; onClose: () => void }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const many = useMany();
  const [format, setFormat] = useState<PublicSet>('pem');
  const [failed, setFailed] = useState<unknown>();
  const [leftOut, setLeftOut] = useState<readonly string[]>([]);
  const keys = selected.filter(hasPublicKey);
  const without = selected.length - keys.length;
  const pending = many.at !== undefined;
  const submit = async (): Promise<void> => {
    if (pending) return;
    setFailed(undefined);
    const [made, left]: [{ key: KeyRecord; text: string }[], string[]] = [[], []];
    const done = await many.run(keys, async (key) => {
      try {
        made.push({ key, text: decodeText((await bridge.call('keys.public', { key: key.id, format })).content) });
      } catch (thrown) {
        if (!LEFT_OUT.has(asProblem(thrown).code)) return setFailed(thrown), false;
        left.push(key.label);
      }
      return true;
    });
    setLeftOut(left);
    if (done.length < keys.length || made.length === 0) return;
    const where = await bridge.saveFile(new TextEncoder().encode(publicSet(format, made)), SET_FILES[format]);
    if (where === undefined) return;
    toast({ text: t('keys.publicSet.done', { n: made.length, shown: wholeNumber(made.length, t.language), where }) });
    // Who reads that some are missing closes it.
    if (left.length === 0) onClose();
  };
  return (
    <Dialog title={t('keys.publicSet.title', { n: keys.length, shown: wholeNumber(keys.length, t.language) })} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        <RadioGroup label={t('keys.format')} value={format} onChange={setFormat} options={PUBLIC_SETS.map((name) => ({ value: name, label: t(`keys.publicSet.${name}`), help: t(`keys.publicSetHelp.${name}`) }))} />
        {without > 0 && <Notice>{t('keys.publicSet.without', { n: without, shown: wholeNumber(without, t.language) })}</Notice>}
        {leftOut.length > 0 && <Notice tone="warning" live>{t('keys.publicSet.leftOut', { n: leftOut.length, shown: wholeNumber(leftOut.length, t.language), list: listOf([...leftOut.slice(0, MOST_NAMED), ...(leftOut.length > MOST_NAMED ? ['…'] : [])], t) })}</Notice>}
        {many.at !== undefined && <ProgressBar label={t('keys.publicSet.action')} fraction={many.at.done / many.at.total} />}
        <ErrorNotice error={failed} />
      </DialogBody>
      <DialogActions>
        <Button onPress={pending ? many.stop : onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" autoFocus pending={pending}>{t('keys.publicSet.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
