import type { KeyRecord } from '../../app/contract/index.ts';
import { useOperation, type InputFor, type OutputFor } from '../bridge/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import type { Choice } from '../ui/index.ts';

export type FormatRow = OutputFor<'files.formats'>['rows'][number];
type RecipientRow = OutputFor<'files.recipients'>['rows'][number];
/** Keys that a picker shows at most. */
const MOST = 1000;

/** @returns keys that can do something with files now. */
export function useKeysThat(use: 'sign' | 'verify'): KeyRecord[] {
  const keys = useOperation('keys.list', { filter: `usage=${use}${use === 'sign' ? ' state=active' : ''}`, limit: MOST }, { keepPrevious: true });
  return keys.data?.keys ?? [];
}

/** @returns for each key whether it makes a format; of `raw` where no key makes the one that is wanted. */
export function useMakersOf(wanted: FormatRow['format']): readonly FormatRow[] {
  const makers = useOperation('files.formats', { format: wanted, limit: MOST }, { keepPrevious: true });
  const isMade = makers.data === undefined || makers.data.rows.some(({ available }) => available);
  const others = useOperation('files.formats', isMade ? undefined : { format: 'raw', limit: MOST }, { keepPrevious: true });
  return (isMade ? makers : others).data?.rows ?? [];
}

/** @returns for each key whether a file can be encrypted for it in a format. */
export function useRecipientsIn(format: InputFor<'files.recipients'>['format']): readonly RecipientRow[] {
  const rows = useOperation('files.recipients', { format, limit: MOST }, { keepPrevious: true });
  return rows.data?.rows ?? [];
}

/** @returns why a key does not make a format, in the window's language; undefined when it does. */
export function whyNotMade({ available, why, reason }: Pick<FormatRow, 'available' | 'why' | 'reason'>, t: Text): string | undefined {
  return available ? undefined : ((why === null ? undefined : t.said(why, 'detail')) ?? reason ?? undefined);
}

/** @returns keys to choose from: those that cannot stand last, dimmed, with the reason. */
export function useKeyChoices(makers: readonly RecipientRow[]): readonly Choice<string>[] {
  const t = useText();
  return makers.map((row) => ({ value: row.key, label: row.label, disabled: !row.available, help: whyNotMade(row, t) ?? algorithmName(row.keyAlgorithm) }));
}
