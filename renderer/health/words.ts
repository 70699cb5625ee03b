import { Award, Blocks, HardDrive, KeyRound, MonitorCog, Usb, type LucideIcon } from 'lucide-react';
import type { HealthFinding } from '../../app/contract/index.ts';
import { exactTime, type MessageKey, type Text } from '../i18n/index.ts';

type Place = HealthFinding['about']['place'];

export const PLACE_ICONS: Readonly<Record<Place, LucideIcon>> = { key: KeyRound, certificate: Award, token: Usb, backend: Blocks, store: HardDrive, computer: MonitorCog };

/** @returns what was found, in a few words; the whole sentence where its code has none. */
export function titleOf(finding: Pick<HealthFinding, 'code' | 'detail'>, t: Text): string {
  const key = [`health.code.${finding.code}`, `finding.${finding.code}.detail`].find((one) => t.has(one));
  return key === undefined ? saidOf(finding.detail, t) : t(key as MessageKey);
}

/** @returns a part of a finding in the window's language, where it is known. */
export function partOf({ code, detail, remedy }: Pick<HealthFinding, 'code' | 'detail' | 'remedy'>, part: 'detail' | 'remedy', t: Text): string | null {
  const key = `finding.${code}.${part}`;
  if (t.has(key)) return t(key as MessageKey);
  const text = part === 'detail' ? detail : remedy;
  return text === null ? null : saidOf(text, t);
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** In English the core's own words serve; times are said as people write them. */
const saidOf = (text: string, t: Text): string => (t.sentence(text) ?? text).replaceAll(TIME, (time) => exactTime(new Date(time), t.language));

/** @returns what it concerns, by name. */
export function aboutOf({ about: { place, label } }: Pick<HealthFinding, 'about'>, t: Text): string {
  return place === 'computer' || (place === 'backend' && label === 'This computer') ? t('health.place.computer') : label;
}
