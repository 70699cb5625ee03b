import { decodeBase64url, useAction, useBridge } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, CopyButton, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, Skeleton, useOnOpen } from '../ui/index.ts';
import { attestedIn } from './attestation-wording.ts';
import type { InSlot } from './SlotDialogs.tsx';
import { slotWords } from './SlotTable.tsx';

/** Whether the token's maker vouches for a key, in plain words, with the chain of certificates that says so. */
export function AttestDialog({ token, slot, onClose }: InSlot) {
  const t = useText();
  const bridge = useBridge();
  const attest = useAction('tokens.attest');
  const input = { token: token.id, slot: slot.slot };
  const { run, result } = attest;
  useOnOpen(() => void run(input));
  const chain = t('tokens.attest.chain', { n: result?.chain.length ?? 0 });
  return (
    <Dialog title={t('tokens.attest.title', slotWords(slot.slot, slot.key?.label))} open onClose={onClose}>
      <DialogBody>
        {result === undefined && attest.error === undefined && <Skeleton lines={3} />}
        {result !== undefined && (
          <Notice tone={result.verified ? 'success' : 'warning'} live title={result.verified ? t('tokens.attest.verified') : t('tokens.attest.notVerified')}>
            {result.problems.length > 0 && <ul className="flex flex-col gap-1">{result.problems.map((problem) => <Sentence key={problem} text={problem} />)}</ul>}
          </Notice>
        )}
        {result !== undefined && result.statements.length > 0 && (
          <section className="flex flex-col gap-1.5">
            <h3 className="text-13 font-medium">{t('tokens.attest.says')}</h3>
            <ul className="flex list-disc flex-col gap-1 pl-5 text-13">{result.statements.map((statement) => <Sentence key={statement} text={statement} />)}</ul>
          </section>
        )}
        {result !== undefined && result.chain.length > 0 && (
          <section className="flex flex-col gap-1.5">
            <h3 className="text-13 font-medium">{chain}</h3>
            {result.chainFormat === 'cvc' && <p className="text-13 text-muted">{t('tokens.attest.cvc')}</p>}
            {result.pem !== '' && <pre tabIndex={0} aria-label={chain} className="max-h-40 overflow-auto rounded-control border border-border bg-canvas p-2 font-mono text-12">{result.pem}</pre>}
            <div className="flex gap-2">
              {result.pem !== '' && <CopyButton small text={result.pem} />}
              <Button small onPress={() => void bridge.saveFile(decodeBase64url(result.chainFile), `attestation-${slot.slot}.${result.chainFormat === 'x509' ? 'pem' : 'cvc'}`)}>{t(result.chainFormat === 'x509' ? 'tokens.savePem' : 'tokens.attest.save')}</Button>
            </div>
          </section>
        )}
        <ErrorNotice error={attest.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="tokens.attest" input={input} />}>
        <Button kind="primary" autoFocus onPress={onClose}>{t('common.close')}</Button>
      </DialogActions>
    </Dialog>
  );
}

function Sentence({ text }: { text: string }) {
  const { text: said, known } = attestedIn(text, useText());
  return <li {...(!known && { lang: 'en' })} className="break-words">{said}</li>;
}
