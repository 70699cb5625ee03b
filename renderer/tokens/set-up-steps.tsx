import { useNavigate } from '@tanstack/react-router';
import type { KeyAlgorithmName, KeyRecord, SlotRecord, TokenRecord } from '../../app/contract/index.ts';
import { useAction, type InputFor, type OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { algorithmChoices, algorithmHelp, algorithmName } from '../keys/algorithms.ts';
import { InTokenFields, type InToken } from '../keys/InTokenFields.tsx';
import { Button, ComboBox, CopyAsCommand, DialogActions, DialogBody, ErrorNotice, Form, forgetDrafts, Notice, TextField, useDraft } from '../ui/index.ts';
import { CertificateFields, useCertificateMaking } from './CertificateMaking.tsx';
import { remedyFor } from './remedies.ts';
import { SecretBadge } from './SecretBadge.tsx';
import { useRemedies } from './TokenDetail.tsx';
import { Tried, useTry } from './TryDialog.tsx';

interface StepProps {
  token: TokenRecord;
  detail: OutputFor<'tokens.show'>;
  slots: readonly SlotRecord[];
  onNext: () => void;
}

/** PIN, PUK and management key as they were delivered are known to everybody. */
export function SecretsStep({ token, detail, onNext }: StepProps) {
  const t = useText();
  const { button, asked, error, all, pending } = useRemedies(token, detail.actions);
  const secrets = detail.status?.secrets ?? [];
  const open = secrets.filter(({ state }) => state === 'default' || state === 'not-set');
  const remedies = open.flatMap((secret) => remedyFor(secret) ?? []);
  const together = remedies.length > 1 && remedies.every((remedy) => detail.actions.some(({ action, available }) => action === remedy && available));
  const initialize = detail.status?.initialised === false ? button('initialize') : null;
  return (
    <>
      <DialogBody>
        {initialize === null ? <p className="text-13">{t('tokens.setUp.secretsWhat')}</p> : <Notice tone="warning" title={t('tokens.setUp.notInitialised')} actions={initialize}>{t('tokens.setUp.notInitialisedHelp')}</Notice>}
        {open.length === 0 && <Notice tone="success" live title={t('tokens.setUp.secretsFine')} />}
        <ul className="flex flex-col gap-2">
          {secrets.map((secret) => (
            <li key={secret.kind} className="grid min-h-8 grid-cols-[8rem_minmax(0,1fr)_auto] items-center gap-x-4 text-13">
              <span>{t(`tokens.secret.${secret.kind}`)}</span>
              <SecretBadge secret={secret} />
              {button(remedyFor(secret), secret)}
            </li>
          ))}
        </ul>
        <ErrorNotice error={error} />
      </DialogBody>
      <DialogActions>
        <Button kind={open.length === 0 ? 'primary' : 'quiet'} autoFocus={open.length === 0} onPress={onNext}>{open.length === 0 ? t('tokens.setUp.next') : open.length === secrets.length ? t('tokens.setUp.leaveSecrets') : t('tokens.setUp.leaveOthers')}</Button>
        {together && <Button kind="primary" autoFocus pending={pending} onPress={() => void all(remedies)}>{t('tokens.setUp.changeAll', { n: remedies.length })}</Button>}
      </DialogActions>
      {asked}
    </>
  );
}

/** The slot that suits signing best: 9c asks for the PIN at each signature; else the first that is free. */
function slotFor(slots: readonly SlotRecord[]): string | undefined {
  const free = slots.filter(({ state }) => state === 'empty');
  return (free.find(({ slot }) => slot === '9c') ?? free[0])?.slot;
}

export function KeyStep({ token, detail, slots, onNext, made, onMade }: StepProps & { made: KeyRecord | undefined; onMade: (key: KeyRecord) => void }) {
  const t = useText();
  const generate = useAction('keys.generate');
  const slot = slotFor(slots);
  const touched = detail.touchPolicies.includes('always');
  // A touch for each use is what nobody gives unnoticed: the PIN need not be typed for each as well.
  const proposed: InToken = { ...(slot !== undefined && { slot }), ...(touched && { touchPolicy: 'always' as const }), ...(touched && detail.pinPolicies.includes('once') && { pinPolicy: 'once' as const }) };
  const draft = `tokens.setUp.key ${token.id} ${slot ?? ''}`;
  const [{ chosen, label, inToken }, change] = useDraft<{ chosen: KeyAlgorithmName; label: string; inToken: InToken }>(draft, { chosen: 'ec-p256', label: '', inToken: proposed });
  const algorithm = detail.algorithms.includes(chosen) ? chosen : (detail.algorithms[0] ?? chosen);
  const suggestion = t('keys.new.suggestedName', { algorithm: algorithmName(algorithm) });
  const input: InputFor<'keys.generate'> = { backend: token.id, algorithm, label: label.trim() === '' ? suggestion : label.trim(), ...inToken };
  const submit = async (): Promise<void> => {
    const key = await generate.run(input);
    if (key === undefined) return;
    forgetDrafts(draft);
    onMade(key);
  };
  if (made !== undefined) return <KeyMade name={made.label} onNext={onNext} />;
  return (
    <Form className="contents" onSubmit={() => void submit()}>
      <DialogBody>
        <TextField label={t('keys.name')} placeholder={suggestion} value={label} onChange={(typed) => change({ label: typed })} maxLength={200} autoFocus />
        <ComboBox label={t('keys.algorithm')} value={algorithm} onChange={(algorithmChosen) => change({ chosen: algorithmChosen })} groups={algorithmChoices(detail.algorithms, t)} help={algorithmHelp(algorithm, t)} />
        <InTokenFields place={{ detail, slots: [...slots] }} value={inToken} onChange={(within) => change({ inToken: within })} />
        <p className="text-12 text-muted">{t('keys.new.cannotLeaveHelp')}</p>
        <ErrorNotice error={generate.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.generate" input={input} />}>
        <Button onPress={generate.pending ? generate.cancel : onNext}>{generate.pending ? t('common.cancel') : t('tokens.setUp.noKey')}</Button>
        <Button kind="primary" type="submit" pending={generate.pending}>{t('keys.new.action')}</Button>
      </DialogActions>
    </Form>
  );
}

function KeyMade({ name, onNext }: { name: string; onNext: () => void }) {
  const t = useText();
  return (
    <>
      <DialogBody><Notice tone="success" live title={t('tokens.setUp.keyMade', { name })}>{t('tokens.setUp.keyMadeHelp')}</Notice></DialogBody>
      <DialogActions><Button kind="primary" autoFocus onPress={onNext}>{t('tokens.setUp.next')}</Button></DialogActions>
    </>
  );
}

/** Other programs see no bare key: a certificate beside it makes it known to them. */
export function CertificateStep({ token, keyRecord, onNext }: StepProps & { keyRecord: KeyRecord }) {
  const t = useText();
  const making = useCertificateMaking({ token: token.id, slot: keyRecord.hardware?.slot ?? '', keyRecord });
  const submit = async (): Promise<void> => {
    if ((await making.run()) && making.way !== 'request') onNext();
  };
  return (
    <Form className="contents" onSubmit={() => void submit()}>
      <DialogBody>
        <p className="text-13">{t('tokens.setUp.certificateWhat')}</p>
        <CertificateFields making={making} />
      </DialogBody>
      <DialogActions aside={making.command}>
        <Button onPress={making.pending ? making.cancel : onNext}>{making.pending ? t('common.cancel') : making.requested ? t('tokens.setUp.next') : t('tokens.setUp.noCertificate')}</Button>
        <Button kind="primary" type="submit" autoFocus isDisabled={!making.ready} pending={making.pending}>{t(`tokens.makeCertificateAction.${making.way}`)}</Button>
      </DialogActions>
    </Form>
  );
}

export function TryStep({ keyRecord, onNext }: StepProps & { keyRecord: KeyRecord }) {
  const t = useText();
  const navigate = useNavigate();
  const tried = useTry(keyRecord);
  const worked = tried.works === true && !tried.pending;
  return (
    <>
      <DialogBody>
        <p className="text-13">{t('tokens.try.what')}</p>
        <Tried tried={tried} />
      </DialogBody>
      <DialogActions aside={tried.command && <CopyAsCommand operation="keys.sign" input={tried.command} />}>
        <Button onPress={tried.pending ? tried.cancel : onNext}>{tried.pending ? t('common.cancel') : t('tokens.setUp.finish')}</Button>
        {worked
          ? <Button kind="primary" autoFocus onPress={() => { onNext(); void navigate({ to: '/files', search: { selected: keyRecord.uri } }); }}>{t('tokens.signFiles')}</Button>
          : <Button kind="primary" autoFocus pending={tried.pending} onPress={() => void tried.run()}>{t('tokens.try.action')}</Button>}
      </DialogActions>
    </>
  );
}
