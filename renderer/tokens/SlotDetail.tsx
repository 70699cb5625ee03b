import { ArrowLeft, Ellipsis, ShieldCheck } from 'lucide-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { SlotRecord, TokenRecord } from '../../app/contract/index.ts';
import { decodeText, useBridge, useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { Expiry } from '../keys/Expiry.tsx';
import { DetailPane, Section } from '../shell/index.ts';
import { Button, CopyAsCommand, CopyButton, ErrorNotice, Fact, Facts, IconButton, Menu, Notice, Sentence, Skeleton } from '../ui/index.ts';
import { slotTitle } from './core-wording.ts';
import { isShort } from './SlotTable.tsx';
import { useSlotMenu } from './slot-menu.tsx';

/** One slot: its key and what that asks for, its certificate, and what can be done with both. */
export function SlotDetail({ token, slot: name, onBack }: { token: TokenRecord; slot: string; onBack: () => void }) {
  const t = useText();
  const answer = useOperation('tokens.slots', token.present ? { token: token.id } : undefined);
  const slots = answer.data?.slots ?? [];
  const slot = slots.find((one) => one.slot === name);
  // Where a place goes with its key, nothing is left to show. It may also be away for a moment, while its backend opens anew.
  const { menuOf, ask, dialogs } = useSlotMenu(token, slots, (destroyed) => { if (!isShort(destroyed.slot)) onBack(); });
  if (answer.error !== null) return <div className="p-4"><ErrorNotice error={answer.error} /></div>;
  if (slot === undefined) return answer.data === undefined && token.present ? <Skeleton /> : <SlotGone onBack={onBack} />;
  return (
    <>
      <DetailPane
        title={isShort(slot.slot) ? t('tokens.slotTitle', { slot: slot.slot, title: slotTitle(slot.title, t) }) : (slot.key?.label ?? slotTitle(slot.title, t))}
        subtitle={<Button kind="plain" small icon={ArrowLeft} className="-ml-2" onPress={onBack}>{token.name}</Button>}
        actions={<NextStep slot={slot} ask={(what) => ask(what, slot)} />}
        menu={<Menu label={t('common.more')} entries={menuOf(slot)}><IconButton icon={Ellipsis} label={t('common.more')} /></Menu>}
      >
        <KeyInSlot slot={slot} />
        <CertificateInSlot token={token} slot={slot} />
      </DetailPane>
      {dialogs}
    </>
  );
}

function SlotGone({ onBack }: { onBack: () => void }) {
  const t = useText();
  return <div className="p-4"><Notice tone="warning" title={t('tokens.slotGone')} actions={<Button small icon={ArrowLeft} onPress={onBack}>{t('tokens.backToToken')}</Button>} /></div>;
}

/** What is to be done next, by what the slot holds. */
function NextStep({ slot, ask }: { slot: SlotRecord; ask: (what: 'generate' | 'put-certificate' | 'try') => void }) {
  const t = useText();
  const navigate = useNavigate();
  if (slot.state === 'empty' || slot.state === 'certificate-only') return <Button kind="primary" onPress={() => ask('generate')}>{t('tokens.slotAction.generate')}</Button>;
  if (slot.key === null) return null;
  const { key } = slot;
  return (
    <>
      {slot.certificate === null && slot.problem === null && <Button kind="primary" onPress={() => ask('put-certificate')}>{t('tokens.slotAction.put-certificate')}</Button>}
      {key.usages.includes('sign') && <Button kind={slot.certificate === null ? 'quiet' : 'primary'} onPress={() => void navigate({ to: '/files', search: { selected: key.uri } })}>{t('tokens.signFiles')}</Button>}
      {key.usages.includes('sign') && <Button icon={ShieldCheck} onPress={() => ask('try')}>{t('tokens.slotAction.try')}</Button>}
    </>
  );
}

function KeyInSlot({ slot }: { slot: SlotRecord }) {
  const t = useText();
  const navigate = useNavigate();
  const { key } = slot;
  return (
    <Section title={t('tokens.key')} actions={key !== null && <Button kind="plain" small onPress={() => void navigate({ to: '/keys', search: { selected: key.id } })}>{t('tokens.slotAction.showKey')}</Button>}>
      {slot.state === 'empty' && <p className="text-13 text-muted">{t('tokens.slotHelp.empty')}</p>}
      {slot.state === 'certificate-only' && <Notice tone="warning" title={t('tokens.slotState.certificate-only')}>{t('tokens.slotHelp.certificate-only')}</Notice>}
      {(slot.state === 'unknown' || slot.state === 'unsupported') && <Notice title={t(`tokens.slotState.${slot.state}`)}>{slot.note === null ? t(`tokens.slotHelp.${slot.state}`) : <Sentence text={slot.note} />}</Notice>}
      {slot.state === 'key' && (
        <Facts>
          {key !== null && <Fact name={t('keys.name')}>{key.label}</Fact>}
          {key !== null && <Fact name={t('keys.algorithm')}>{algorithmName(key.algorithm)}</Fact>}
          {!isShort(slot.slot) && <Fact name={t('tokens.id')}><code className="font-mono text-12 break-all">{slot.slot}</code></Fact>}
          <Fact name={t('keys.pinPolicy')}>{t(`keys.pinPolicyName.${slot.pinPolicy ?? 'unknown'}`)}</Fact>
          <Fact name={t('keys.touchPolicy')}>{t(`keys.touchPolicyName.${slot.touchPolicy ?? 'unknown'}`)}</Fact>
          <Fact name={t('keys.origin')}>{slot.madeOnDevice === null ? t('keys.pinPolicyName.unknown') : slot.madeOnDevice ? t('keys.madeOnDevice') : t('keys.broughtIn')}</Fact>
          {key !== null && key.fingerprint !== null && <Fact name={t('files.fingerprint')}><code className="font-mono text-12 break-all">{key.fingerprint}</code></Fact>}
        </Facts>
      )}
    </Section>
  );
}

function CertificateInSlot({ token, slot }: { token: TokenRecord; slot: SlotRecord }) {
  const t = useText();
  const { certificate, problem } = slot;
  return (
    <Section title={t('tokens.certificate')}>
      {problem !== null && <Notice tone="danger" title={t('tokens.certificateBroken')}><Sentence text={problem} /></Notice>}
      {certificate === null && problem === null && (slot.state === 'key' ? <Notice tone="warning" title={t('tokens.noCertificate')}>{t('tokens.noCertificateHelp')}</Notice> : <p className="text-13 text-muted">{t('common.none')}</p>)}
      {certificate?.fitsKey === false && <Notice tone="danger" title={t('tokens.doesNotFit')}>{t('tokens.doesNotFitHelp')}</Notice>}
      {certificate !== null && (
        <>
          <Facts>
            <Fact name={t('tokens.subject')}>{certificate.subject}</Fact>
            <Fact name={t('tokens.issuer')}>{certificate.selfSigned ? t('tokens.selfSigned') : certificate.issuer}</Fact>
            <Fact name={t('keys.validUntil')}><Expiry at={certificate.notAfter} /></Fact>
            <Fact name={t('files.fingerprint')}><code className="font-mono text-12 break-all">{certificate.fingerprint}</code></Fact>
          </Facts>
          <Pem token={token} slot={slot.slot} />
        </>
      )}
    </Section>
  );
}

/** The certificate itself, read when it is asked for. */
function Pem({ token, slot }: { token: TokenRecord; slot: string }) {
  const t = useText();
  const bridge = useBridge();
  const [shown, setShown] = useState(false);
  const input = { token: token.id, slot };
  const { data, error } = useOperation('tokens.get-certificate', shown ? input : undefined);
  const pem = data === undefined ? undefined : decodeText(data.certificate);
  return (
    <>
      {pem !== undefined && <pre tabIndex={0} aria-label={t('tokens.certificate')} className="max-h-48 overflow-auto rounded-control border border-border bg-canvas p-2 font-mono text-12">{pem}</pre>}
      <ErrorNotice error={error} />
      <div className="flex flex-wrap gap-2">
        {pem === undefined ? <Button small onPress={() => setShown(true)}>{t('tokens.showPem')}</Button> : (
          <>
            <CopyButton small text={pem} />
            <Button small onPress={() => void bridge.saveFile(new TextEncoder().encode(pem), `certificate-${slot}.pem`)}>{t('tokens.savePem')}</Button>
          </>
        )}
        <CopyAsCommand small operation="tokens.get-certificate" input={input} />
      </div>
    </>
  );
}
