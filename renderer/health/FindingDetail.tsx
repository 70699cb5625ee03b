import { Eye, EyeOff, SquareArrowOutUpRight, Wrench } from 'lucide-react';
import { useState } from 'react';
import type { HealthFinding, Mending } from '../../app/contract/index.ts';
import { useAction } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { MendDialog } from '../mending/MendDialog.tsx';
import { actionsWith } from '../mending/MendActions.tsx';
import { DetailPane, Section } from '../shell/index.ts';
import { Badge, Button, CopyAsCommand, CopyButton, ErrorNotice, ExactTime, Fact, Facts, Sentence, TimeInWords } from '../ui/index.ts';
import { LevelBadge } from './LevelBadge.tsx';
import { useOpenPlace } from './open-place.ts';
import { aboutOf, partOf, PLACE_ICONS, titleOf } from './words.ts';

/**
 * One finding: the reason in words, what it concerns, and what mends it.
 * @param seen  when it was looked for; null for what is known at any time
 */
export function FindingDetail({ finding, seen, onHide }: { finding: HealthFinding; seen: string | null; onHide: (finding: HealthFinding) => void }) {
  const t = useText();
  const open = useOpenPlace();
  const unhide = useAction('health.unhide');
  const [mending, setMending] = useState<Mending>();
  const { about, since, until, from, id, hidden, level } = finding;
  const [best, ...others] = finding.mendedBy;
  const title = titleOf(finding, t);
  const detail = partOf(finding, 'detail', t);
  const remedy = partOf(finding, 'remedy', t);
  const Icon = PLACE_ICONS[about.place];
  return (
    <DetailPane
      title={title}
      subtitle={<span className="flex flex-wrap items-center gap-x-3 gap-y-1"><LevelBadge level={level} />{hidden && <Badge icon={EyeOff}>{t('health.isHidden')}</Badge>}</span>}
      actions={(
        <>
          {best !== undefined && <Button kind="primary" icon={Wrench} onPress={() => setMending(best)}><span className="max-w-64 truncate">{t(`mending.do.${best.key}`, { about: best.about ?? '' })}</span></Button>}
          <Button kind={best === undefined ? 'primary' : 'quiet'} icon={SquareArrowOutUpRight} onPress={() => open(finding)}>{t(`health.open.${about.place}`)}</Button>
          {best !== undefined && <CopyButton kind="plain" label={t('common.copyAsCommand')} text={best.command} />}
        </>
      )}
    >
      {(detail !== title || remedy !== null) && (
        <div className="flex flex-col gap-2 text-13">
          {detail !== null && detail !== title && <p className="break-words"><Sentence text={detail} /></p>}
          {remedy !== null && <p className="break-words text-muted"><Sentence text={remedy} /></p>}
          {actionsWith(setMending)({ mendedBy: others })}
        </div>
      )}
      <Facts>
        <Fact name={t('health.about')}>
          <Button kind="plain" small icon={Icon} className="-my-1 -ml-2 max-w-full" onPress={() => open(finding)}><span className="truncate">{aboutOf(finding, t)}</span></Button>
        </Fact>
        {since !== null && <Fact name={t('health.since')}><ExactTime at={since} /></Fact>}
        {until !== null && <Fact name={t('health.until')}><ExactTime at={until} /></Fact>}
        <Fact name={t('health.from')}>{t(`health.from.${from}`)}{seen !== null && <>, <TimeInWords at={seen} /></>}</Fact>
      </Facts>
      <Section title={t('health.hide')}>
        <p className="text-13 text-muted">{t('health.hideWhat')}</p>
        <div className="flex flex-wrap gap-2">
          {hidden
            ? <Button icon={Eye} pending={unhide.pending} onPress={() => void unhide.run({ id })}>{t('health.unhide')}</Button>
            : <Button icon={EyeOff} onPress={() => onHide(finding)}>{t('health.hide')}</Button>}
          <CopyAsCommand operation={hidden ? 'health.unhide' : 'health.hide'} input={{ id }} />
        </div>
        <ErrorNotice error={unhide.error} />
      </Section>
      {mending !== undefined && <MendDialog action={mending} onClose={() => setMending(undefined)} />}
    </DetailPane>
  );
}
