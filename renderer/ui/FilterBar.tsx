import { SlidersHorizontal } from 'lucide-react';
import { useRef, type ReactNode } from 'react';
import { Dialog as AriaDialog, DialogTrigger, Popover } from 'react-aria-components';
import { useText } from '../i18n/index.ts';
import { Button } from './Button.tsx';
import { useNarrow } from './narrow.ts';
import { POPOVER } from './Select.tsx';

/**
 * A search and filters in one line. Where there is no room for that, the filters stand behind one button, which says how many are set.
 * @param room  pixels that the line takes
 */
export function FilterBar({ search, active, room, children }: { search: ReactNode; active: number; room: number; children: ReactNode }) {
  const t = useText();
  const line = useRef<HTMLDivElement>(null);
  const narrow = useNarrow(line, room);
  return (
    <div ref={line} className="flex min-w-0 grow items-center gap-2">
      {search}
      {narrow ? (
        <DialogTrigger>
          <Button icon={SlidersHorizontal}>{t('common.filters', { n: active })}</Button>
          <Popover placement="bottom end" className={POPOVER}>
            <AriaDialog aria-label={t('common.filters', { n: active })} className="flex w-60 flex-col gap-2 p-2 outline-none *:max-w-none *:flex-none">{children}</AriaDialog>
          </Popover>
        </DialogTrigger>
      ) : children}
    </div>
  );
}
