import type { TokenRecord } from '../../app/contract/index.ts';

/** What a token looks like, roughly: enough to tell it from the others on the desk. Drawn in the colour of the text around it. */
export function TokenSketch({ form, present }: { form: TokenRecord['form']; present: boolean }) {
  const Drawing = DRAWINGS[form];
  return (
    <svg aria-hidden viewBox="0 0 72 44" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" strokeLinecap="round" strokeDasharray={present ? undefined : '3 3'} className="h-11 w-18 shrink-0">
      <Drawing />
    </svg>
  );
}

function UsbA() {
  return (
    <>
      <rect x="4" y="13" width="18" height="18" rx="1" />
      <path d="M9 18.5h4M9 25.5h4" />
      <path d="M22 9h34a9 9 0 0 1 9 9v8a9 9 0 0 1-9 9H22z" />
      <circle cx="37" cy="22" r="6.5" />
      <circle cx="57" cy="22" r="3" />
    </>
  );
}

function UsbC() {
  return (
    <>
      <rect x="4" y="16.5" width="18" height="11" rx="5" />
      <path d="M9 22h8" />
      <path d="M22 9h34a9 9 0 0 1 9 9v8a9 9 0 0 1-9 9H22z" />
      <circle cx="37" cy="22" r="6.5" />
      <circle cx="57" cy="22" r="3" />
    </>
  );
}

function Nano() {
  return (
    <>
      <rect x="14" y="13" width="26" height="18" rx="1" />
      <path d="M20 18.5h6M20 25.5h6" />
      <path d="M40 11h10a6 6 0 0 1 6 6v10a6 6 0 0 1-6 6H40z" />
      <path d="M48 17v10" />
    </>
  );
}

function Card() {
  return (
    <>
      <rect x="8" y="4" width="56" height="36" rx="4" />
      <rect x="14" y="14" width="13" height="11" rx="2" />
      <path d="M14 18h4v3h-4M27 18h-4v3h4M20.5 14v11" />
      <path d="M38 31h18" />
    </>
  );
}

function Hsm() {
  return (
    <>
      <rect x="5" y="12" width="62" height="20" rx="3" />
      <circle cx="14" cy="22" r="2.5" />
      <path d="M24 18h22M24 26h14M56 18v8M60 18v8" />
    </>
  );
}

function Other() {
  return (
    <>
      <rect x="12" y="8" width="48" height="28" rx="5" />
      <circle cx="29" cy="22" r="5" />
      <path d="M34 22h15M45 22v4" />
    </>
  );
}

const DRAWINGS = { 'usb-a': UsbA, 'usb-c': UsbC, nano: Nano, card: Card, hsm: Hsm, other: Other } as const satisfies Record<TokenRecord['form'], () => React.ReactNode>;
