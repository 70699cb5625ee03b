import { useAction, useOperation } from '../bridge/index.ts';
import { LANGUAGES, useText, type Language } from '../i18n/index.ts';
import { Section, THEMES, usePreferences } from '../shell/index.ts';
import { ErrorNotice, RadioGroup, Select } from '../ui/index.ts';
import { Page } from './Page.tsx';

const IDLE_LOCK = 'store.idleLockMinutes';
const MINUTES = [1, 5, 10, 15, 30, 60, 240, 0] as const;
const CLIPBOARD_SECONDS = [10, 30, 60, 120, 0] as const;

/** @returns the choices with the value that is in force among them, whatever it is. */
function withCurrent(choices: readonly number[], current: number | undefined): readonly number[] {
  return current === undefined || choices.includes(current) ? choices : [...choices, current].sort((a, b) => (a === 0 ? 1 : b === 0 ? -1 : a - b));
}

export function GeneralSettings() {
  const t = useText();
  const { preferences, change, error } = usePreferences();
  const status = useOperation('store.status', {});
  const set = useAction('config.set');
  const minutes = status.data?.idleLockMinutes;
  return (
    <Page>
      <Section title={t('settings.appearance')}>
        <RadioGroup label={t('settings.theme')} value={preferences.theme} onChange={(theme) => change({ theme })} horizontal options={THEMES.map((theme) => ({ value: theme, label: t(`settings.theme.${theme}`) }))} />
        <Select<Language | 'system'>
          label={t('settings.language')} value={preferences.language} onChange={(language) => change({ language })} className="w-80"
          choices={[{ value: 'system', label: t('settings.languageSystem') }, ...Object.entries(LANGUAGES).map(([value, label]) => ({ value: value as Language, label }))]}
        />
        <ErrorNotice error={error} />
      </Section>
      <Section title={t('settings.security')}>
        <Select
          label={t('settings.autoLock')} value={minutes === undefined ? undefined : String(minutes)} disabled={set.pending || minutes === undefined} className="w-80"
          onChange={(value) => void set.run({ key: IDLE_LOCK, value: Number(value) }).then(() => status.refetch())}
          choices={withCurrent(MINUTES, minutes).map((n) => ({ value: String(n), label: n === 0 ? t('settings.never') : t('settings.afterMinutes', { n }) }))}
          help={t('settings.autoLockHelp')}
        />
        <ErrorNotice error={set.error} />
        <Select
          label={t('settings.clipboard')} value={String(preferences.clipboardSeconds)} onChange={(value) => change({ clipboardSeconds: Number(value) })} className="w-80"
          choices={withCurrent(CLIPBOARD_SECONDS, preferences.clipboardSeconds).map((n) => ({ value: String(n), label: n === 0 ? t('settings.never') : t('settings.afterSeconds', { n }) }))}
          help={t('settings.clipboardHelp')}
        />
      </Section>
    </Page>
  );
}
