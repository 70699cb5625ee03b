import { Eye, EyeOff } from 'lucide-react';
import { useId, useState, type Ref } from 'react';
import { useText } from '../i18n/index.ts';
import { CONTROL, cx, IconButton } from '../ui/index.ts';

/** A field for a secret. Pasting is allowed, and password managers find it. */
export function SecretField({ label, name, autoComplete, value, onChange, error, help, autoFocus = false, inputRef, disabled = false }: {
  label: string; name: string; autoComplete: 'current-password' | 'new-password' | 'off'; value: string; onChange: (value: string) => void;
  error?: string | undefined; help?: string | undefined; autoFocus?: boolean; inputRef?: Ref<HTMLInputElement>; disabled?: boolean;
}) {
  const t = useText();
  const id = useId();
  const [shown, setShown] = useState(false);
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-13 font-medium">{label}</label>
      <div className="relative">
        <input
          id={id} name={name} type={shown ? 'text' : 'password'} autoComplete={autoComplete} autoFocus={autoFocus} spellCheck={false} autoCapitalize="none" autoCorrect="off"
          value={value} disabled={disabled} onChange={(event) => onChange(event.target.value)} {...(inputRef && { ref: inputRef })}
          aria-invalid={error !== undefined} aria-describedby={`${id}-help`} className={cx(CONTROL, 'pr-9', shown && 'font-mono')}
        />
        <IconButton icon={shown ? EyeOff : Eye} label={shown ? t('prompt.hide') : t('prompt.show')} onPress={() => setShown(!shown)} className="absolute top-0.5 right-0.5" />
      </div>
      <p id={`${id}-help`} aria-live="polite" className={cx('min-h-4 text-12', error === undefined ? 'text-muted' : 'text-danger')}>{error ?? help ?? ''}</p>
    </div>
  );
}
