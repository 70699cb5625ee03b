import { Download, Ellipsis, Tags, Trash2 } from 'lucide-react';
import { useMemo } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { listOf, useText, wholeNumber, type MessageKey } from '../i18n/index.ts';
import { DetailPane } from '../shell/Panes.tsx';
import { Badge, Button, ErrorNotice, Fact, Facts, IconButton, Menu, Notice, TimeInWords } from '../ui/index.ts';
import { algorithmName } from './algorithms.ts';
import { isInToken, useKeyActions } from './key-actions.tsx';
import { placeName } from './KeyDetail.tsx';
import { hasPublicKey, summaryOf, type Counted } from './selection-summary.ts';

/** Several keys that are selected: what they are, and what can be done with all of them. @param selected  how many, loaded or not */
export function SelectionDetail({ keys, selected, onGone }: { keys: readonly KeyRecord[]; selected: number; onGone: (keys: readonly KeyRecord[]) => void }) {
  const t = useText();
  const does = useKeyActions(onGone);
  const summary = useMemo(() => summaryOf(keys, (key) => placeName(key, t)), [keys, t]);
  const words = (counts: readonly Counted[], nameOf: (value: string) => string): string => listOf(counts.map(({ value, n }) => t('keys.counted', { value: nameOf(value), n: wholeNumber(n, t.language) })), t);
  const inTrash = keys.every(({ trashedUntil }) => trashedUntil !== null);
  const inToken = keys.some(isInToken);
  const isWhole = keys.length === selected;
  const actions = inTrash ? (
    <Button kind="primary" isDisabled={!isWhole} pending={does.restoring} onPress={() => void does.restoreAll(keys)}>{t('keys.restore')}</Button>
  ) : (
    <>
      <Button kind="primary" icon={Tags} isDisabled={!isWhole} onPress={() => does.tag(keys)}>{t('keys.tag')}</Button>
      <Button icon={Download} isDisabled={!isWhole || !keys.some(hasPublicKey)} onPress={() => does.exportPublic(keys)}>{t('keys.publicSet.open')}</Button>
      <Button icon={Trash2} isDisabled={!isWhole || inToken} onPress={() => void does.trash(keys)}>{t('keys.trash')}</Button>
    </>
  );
  return (
    <>
      <DetailPane
        title={t('keys.severalSelected', { n: selected, shown: wholeNumber(selected, t.language) })}
        menu={<Menu label={t('common.more')} entries={does.menuOf(keys)}><IconButton icon={Ellipsis} label={t('common.more')} isDisabled={!isWhole} /></Menu>}
        actions={actions}
      >
        {!isWhole && <p role="status" className="text-13 text-muted">{t('keys.stillLoading', { shown: wholeNumber(keys.length, t.language), total: wholeNumber(selected, t.language) })}</p>}
        {inToken && <Notice>{t('keys.inTokenNoTrash')}</Notice>}
        {summary.absent > 0 && <Notice tone="warning">{t('keys.severalAbsent', { n: summary.absent, shown: wholeNumber(summary.absent, t.language) })}</Notice>}
        <ErrorNotice error={does.error} />
        <Facts>
          <Fact name={t('keys.algorithm')}>{words(summary.algorithms, algorithmName)}</Fact>
          <Fact name={t('keys.place')}>{words(summary.places, (place) => place)}</Fact>
          <Fact name={t('keys.state')}>{words(summary.states, (state) => t(`keys.stateName.${state}` as MessageKey))}</Fact>
          <Fact name={t('keys.firstEnd')}>{summary.firstEnd === null ? t('keys.noEnd') : <TimeInWords at={summary.firstEnd} />}</Fact>
          {summary.tags.length > 0 && <Fact name={t('keys.tags')}><span className="flex flex-wrap gap-1">{summary.tags.map(({ value, n }) => <Badge key={value}>{n === keys.length ? value : t('keys.counted', { value, n: wholeNumber(n, t.language) })}</Badge>)}</span></Fact>}
        </Facts>
      </DetailPane>
      {does.underWay}
      {does.dialogs}
    </>
  );
}
