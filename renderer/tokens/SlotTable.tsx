import { useMemo, useState } from 'react';
import type { SlotRecord } from '../../app/contract/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { Expiry } from '../keys/Expiry.tsx';
import { EmptyState, NO_SELECTION, Sentence, StateBadge, VirtualTable, type Column, type ListSelection, type MenuEntries } from '../ui/index.ts';
import { shortSlotTitle, slotTitle } from './core-wording.ts';

/** The slots of one token: what is empty, what has a key, what a certificate, and what they ask for. */
export function SlotTable({ slots, selected, onSelect, menuOf }: { slots: readonly SlotRecord[]; selected: string | undefined; onSelect: (slot: string) => void; menuOf: (slot: SlotRecord) => MenuEntries }) {
  const t = useText();
  const columns = useMemo(() => columnsOf(t), [t]);
  const at = slots.findIndex(({ slot }) => slot === selected);
  const [active, setActive] = useState(0);
  const selection: ListSelection = selected === undefined || at < 0 ? { ...NO_SELECTION, active } : { ...NO_SELECTION, active: at, selected: new Set([selected]) };
  return (
    <VirtualTable
      label={t('tokens.slots')} columns={columns} count={slots.length} rowAt={(index) => slots[index]} keyOf={({ slot }) => slot} textOf={({ slot }) => slot}
      selection={selection}
      onSelection={({ selected: chosen, active: next }) => {
        setActive(next);
        const [first] = chosen.size === 1 ? chosen : [slots[next]?.slot];
        if (first !== undefined) onSelect(first);
      }}
      onOpen={({ slot }) => onSelect(slot)}
      menu={([slot]) => (slot === undefined ? [] : menuOf(slot))}
      empty={<EmptyState>{t('tokens.noSlots')}</EmptyState>}
    />
  );
}

function columnsOf(t: Text): Column<SlotRecord>[] {
  return [
    { id: 'slot', title: t('keys.slot'), width: 'minmax(10.5rem, 1.6fr)', cell: (slot) => <SlotName slot={slot} t={t} /> },
    { id: 'key', title: t('tokens.key'), width: 'minmax(7rem, 1fr)', cell: (slot) => <KeyIn slot={slot} t={t} /> },
    { id: 'certificate', title: t('tokens.certificate'), width: 'minmax(8rem, 1.3fr)', fromWidth: 460, cell: (slot) => <CertificateIn slot={slot} t={t} /> },
    { id: 'until', title: t('keys.validUntil'), width: 'minmax(6rem, 0.8fr)', fromWidth: 700, cell: ({ certificate }) => (certificate === null ? '' : <Expiry at={certificate.notAfter} />) },
    { id: 'pin', title: t('keys.pinPolicy'), width: 'minmax(5rem, 0.7fr)', fromWidth: 780, cell: ({ key, pinPolicy }) => (key === null || pinPolicy === null ? '' : t(`tokens.policyWord.${pinPolicy}`)) },
    { id: 'touch', title: t('keys.touchPolicy'), width: 'minmax(5rem, 0.7fr)', fromWidth: 860, cell: ({ key, touchPolicy }) => (key === null || touchPolicy === null ? '' : t(`tokens.policyWord.${touchPolicy}`)) },
  ];
}

/** The name of a place in the token; what is longer is an identifier that nobody knows a key by. */
export const isShort = (slot: string): boolean => slot.length <= 4;

/** What a sentence calls the place of a key: short names as they are, a CKA_ID by its key's label. */
export function slotWords(slot: string, label: string | undefined): { slot: string; named: 'yes' | 'no' } {
  return isShort(slot) || label === undefined ? { slot: shortSlot(slot), named: 'no' } : { slot: label, named: 'yes' };
}

/** A CKA_ID may be long: its beginning tells it from the others. */
const shortSlot = (slot: string): string => (slot.length > 12 ? `${slot.slice(0, 12)}…` : slot);

function SlotName({ slot: { slot, title: given, key }, t }: { slot: SlotRecord; t: Text }) {
  const title = slotTitle(given, t);
  if (isShort(slot)) return <span title={title}><span className="font-mono">{slot}</span> {shortSlotTitle(given, t)}</span>;
  const name = key?.label ?? title;
  return <span title={`${name} (${slot})`}>{name} <span className="font-mono text-12 text-muted">{shortSlot(slot)}</span></span>;
}

function KeyIn({ slot, t }: { slot: SlotRecord; t: Text }) {
  if (slot.state === 'key') return <>{slot.key === null ? t('tokens.slotState.key') : algorithmName(slot.key.algorithm)}</>;
  if (slot.state === 'empty') return <span className="text-muted">{t('tokens.slotState.empty')}</span>;
  return <StateBadge tone={slot.state === 'certificate-only' ? 'warning' : 'neutral'}>{slot.state === 'certificate-only' ? t('tokens.slotState.certificate-only') : (slot.note === null ? t(`tokens.slotState.${slot.state}`) : <Sentence text={slot.note} />)}</StateBadge>;
}

function CertificateIn({ slot, t }: { slot: SlotRecord; t: Text }) {
  const { certificate, problem, state } = slot;
  if (problem !== null) return <StateBadge tone="danger">{t('tokens.certificateBroken')}</StateBadge>;
  if (certificate === null) return state === 'key' ? <StateBadge tone="warning">{t('tokens.noCertificate')}</StateBadge> : <></>;
  if (certificate.fitsKey === false) return <StateBadge tone="danger">{t('tokens.doesNotFit')}</StateBadge>;
  return <>{commonName(certificate.subject)}</>;
}

/** @returns the common name of a subject, or all of it. */
function commonName(subject: string): string {
  return /(?:^|, )CN=([^,]+)/.exec(subject)?.[1] ?? subject;
}
