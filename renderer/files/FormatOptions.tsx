import type { InputFor, OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { TextField } from '../ui/index.ts';

type Format = OutputFor<'files.formats'>['rows'][number]['format'];

/** What a format takes in words: what it is for, what it says, and who tells its time. */
export interface Words {
  readonly namespace: string;
  readonly comment: string;
  readonly payloadType: string;
  readonly timestamp: string;
}
export const NO_WORDS: Words = { namespace: '', comment: '', payloadType: '', timestamp: '' };

const TAKES: Readonly<Record<keyof Words, ReadonlySet<Format>>> = {
  namespace: new Set<Format>(['sshsig']), comment: new Set<Format>(['minisign']), payloadType: new Set<Format>(['jws', 'jwt', 'dsse', 'cose']), timestamp: new Set<Format>(['cms', 'jar', 'pdf', 'xml', 'asic']),
};
const NAMES = Object.keys(TAKES) as (keyof Words)[];

const isAddress = (text: string): boolean => URL.canParse(text) && /^https?:/.test(text);

/** Whether what was typed can be taken. */
export function areWordsWell({ timestamp }: Words, format: Format): boolean {
  return !TAKES.timestamp.has(format) || timestamp.trim() === '' || isAddress(timestamp.trim());
}

export function wordsInput(words: Words, format: Format): Pick<InputFor<'files.sign'>, keyof Words> {
  return Object.fromEntries(NAMES.filter((name) => TAKES[name].has(format) && words[name].trim() !== '').map((name) => [name, words[name].trim()]));
}

export function FormatOptions({ value, onChange, format }: { value: Words; onChange: (value: Words) => void; format: Format }) {
  const t = useText();
  const shown = NAMES.filter((name) => TAKES[name].has(format));
  if (shown.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-4">
      {shown.map((name) => (
        <TextField key={name} label={t(`files.option.${name}`)} help={t(`files.optionHelp.${name}`)} value={value[name]} onChange={(next) => onChange({ ...value, [name]: next })} isInvalid={name === 'timestamp' && !areWordsWell(value, format)} className="w-80" maxLength={name === 'timestamp' ? 2000 : 255} />
      ))}
    </div>
  );
}
