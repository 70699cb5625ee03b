import type { ReactNode } from 'react';
import { Tab, TabList, TabPanel, Tabs as AriaTabs, ToggleButton, ToggleButtonGroup } from 'react-aria-components';

interface TabDefinition {
  id: string;
  label: string;
  content: ReactNode;
}

export function Tabs({ label, tabs, selected, onSelect }: { label: string; tabs: readonly TabDefinition[]; selected?: string; onSelect?: (id: string) => void }) {
  return (
    <AriaTabs {...(selected !== undefined && { selectedKey: selected })} {...(onSelect && { onSelectionChange: (key) => onSelect(String(key)) })} className="flex min-h-0 grow flex-col">
      <TabList aria-label={label} className="flex shrink-0 flex-wrap gap-x-4 border-b border-border px-4">
        {tabs.map((tab) => (
          <Tab key={tab.id} id={tab.id} className="focus-inside -mb-px flex h-9 cursor-default items-center border-b-2 border-transparent px-1 text-13 font-medium text-muted hover:text-text selected:border-accent selected:text-text">
            {tab.label}
          </Tab>
        ))}
      </TabList>
      {tabs.map((tab) => (
        <TabPanel key={tab.id} id={tab.id} className="focus-inside flex min-h-0 grow flex-col">{tab.content}</TabPanel>
      ))}
    </AriaTabs>
  );
}

/** One of two to four, all to be seen. */
export function Segments<V extends string>({ label, value, onChange, options }: { label: string; value: V; onChange: (value: V) => void; options: readonly { value: V; label: string }[] }) {
  return (
    <ToggleButtonGroup aria-label={label} selectionMode="single" disallowEmptySelection selectedKeys={[value]} onSelectionChange={(keys) => onChange([...keys][0] as V)} className="inline-flex w-fit max-w-full flex-wrap rounded-control border border-edge bg-surface">
      {options.map((option) => (
        <ToggleButton key={option.value} id={option.value} className="h-[30px] rounded-[5px] px-3 text-13 font-medium text-text hover:bg-hover selected:bg-selected">
          {option.label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

/** Names and values, as a detail shows them. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[fit-content(42%)_minmax(0,1fr)] gap-x-4 gap-y-2 text-13">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}
