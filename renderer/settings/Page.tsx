import type { ReactNode } from 'react';
import { SectionLevel } from '../shell/index.ts';

/** One page of settings: a column that can be read, at the left where lists are. */
export function Page({ children }: { children: ReactNode }) {
  return <div className="min-h-0 grow overflow-y-auto"><div className="flex max-w-[44rem] flex-col gap-8 px-4 py-5"><SectionLevel value={2}>{children}</SectionLevel></div></div>;
}
