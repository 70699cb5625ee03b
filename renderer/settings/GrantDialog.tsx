import { CheckboxGroup } from 'react-aria-components';
import { PERMISSIONS, useAction } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { usePreferences } from '../shell/index.ts';
import { Button, Checkbox, CopyAsCommand, CopyButton, Dialog, DialogActions, DialogBody, ErrorNotice, FieldLabel, Notice, Select, TextField, useDraft } from '../ui/index.ts';

type Permission = (typeof PERMISSIONS)[number];
const LIFETIMES = ['1d', '7d', '30d', '90d', '366d'] as const;
/** Nobody may be given what is the prompt surface's alone. */
const GRANTABLE = PERMISSIONS.filter((permission) => permission !== 'prompts:admin');

/** Makes a token and shows it, once. */
export function GrantDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText();
  const { preferences } = usePreferences();
  const grant = useAction('access.grant');
  const [{ name, scope, expires }, change] = useDraft<{ name: string; scope: readonly Permission[]; expires: string }>('access.grant', { name: '', scope: ['keys:read', 'keys:use'], expires: '90d' });
  const input = { name: name.trim(), scope: [...scope], expires };
  const close = (): void => {
    // What was typed stays for the next opening, unless it was used.
    if (grant.result !== undefined) change({ name: '' });
    grant.reset();
    onClose();
  };
  if (grant.result !== undefined) {
    return (
      <Dialog title={t('settings.tokenMade', { name: grant.result.grant.name })} open={open} onClose={close}>
        <DialogBody>
          <Notice tone="warning">{t('settings.tokenOnce')}</Notice>
          <p className="rounded-control border border-edge bg-surface px-3 py-2 font-mono text-13 break-all select-all">{grant.result.token}</p>
        </DialogBody>
        <DialogActions aside={<CopyButton label={t('settings.copyToken')} autoFocus text={grant.result.token} clearAfter={preferences.clipboardSeconds} />}>
          <Button kind="primary" onPress={close}>{t('settings.tokenKept')}</Button>
        </DialogActions>
      </Dialog>
    );
  }
  return (
    <Dialog title={t('settings.grant')} open={open} onClose={close} onSubmit={() => input.name !== '' && scope.length > 0 && void grant.run(input)}>
      <DialogBody>
        <TextField label={t('settings.tokenName')} value={name} onChange={(typed) => change({ name: typed })} autoFocus maxLength={100} help={t('settings.tokenNameHelp')} />
        <CheckboxGroup value={[...scope]} onChange={(value) => change({ scope: value as Permission[] })} className="flex flex-col gap-1.5">
          <FieldLabel>{t('settings.scope')}</FieldLabel>
          <div className="grid grid-cols-[repeat(auto-fill,minmax(13rem,1fr))] gap-x-4 gap-y-1.5">
            {GRANTABLE.map((permission) => <Checkbox key={permission} value={permission}><span className="flex flex-col">{t(`permission.${permission}`)}<code className="font-mono text-12 text-muted">{permission}</code></span></Checkbox>)}
          </div>
        </CheckboxGroup>
        <Select label={t('settings.lifetime')} value={expires} onChange={(value) => change({ expires: value })} className="w-48" choices={LIFETIMES.map((value) => ({ value: value as string, label: t('settings.days', { n: Number.parseInt(value, 10) }) }))} />
        <ErrorNotice error={grant.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="access.grant" input={input} isDisabled={input.name === '' || scope.length === 0} />}>
        <Button onPress={close}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={grant.pending} isDisabled={input.name === '' || scope.length === 0}>{t('settings.makeToken')}</Button>
      </DialogActions>
    </Dialog>
  );
}
