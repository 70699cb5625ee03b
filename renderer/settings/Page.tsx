import type { ReactNode } from 'react';

/** One page of settings: a column that can be read, at the left where lists are. */
export function Page({ children }: { children: ReactNode }) {
  return <div className="min-h-0 grow overflow-y-auto"><div className="flex max-w-[44rem] flex-col gap-8 p-5">{children}</div></div>;
}
