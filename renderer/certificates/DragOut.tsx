import { useState, type DragEvent, type ReactElement } from 'react';
import { FileDown } from 'lucide-react';
import { decodeBase64url, useAction, useBridge, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';

const TYPES: Readonly<Record<string, string>> = { pem: 'application/x-pem-file', der: 'application/pkix-cert', pkcs7: 'application/x-pkcs7-certificates', jwk: 'application/jwk+json' };

/**
 * The certificate's file, to be dragged onto a folder, a mail or a page. It is made when the pointer comes to it, since a drag waits for nothing.
 * Whoever does not drag has the button that saves it.
 */
export function DragOut({ input, name }: { input: InputFor<'certificates.export'>; name: string }): ReactElement {
  const t = useText();
  const bridge = useBridge();
  const exports = useAction('certificates.export');
  const wanted = JSON.stringify(input);
  const [made, setMade] = useState<{ readonly of: string; readonly bytes: Uint8Array }>();
  const ready = made?.of === wanted;
  const make = async (): Promise<void> => {
    if (ready || exports.pending) return;
    const content = (await exports.run(input))?.content;
    if (content !== undefined) setMade({ of: wanted, bytes: decodeBase64url(content) });
  };
  const begin = (event: DragEvent): void => {
    if (!ready) return event.preventDefault();
    bridge.dragOut(event.nativeEvent, { name, type: TYPES[input.format ?? 'pem'] ?? 'application/octet-stream', bytes: made.bytes });
  };
  return (
    <div draggable onPointerEnter={() => void make()} onDragStart={begin} data-ready={ready} className="flex cursor-grab items-center gap-2 rounded-control border border-dashed border-edge px-3 py-2 text-13 text-muted">
      <FileDown aria-hidden className="size-4 shrink-0" />
      <span className="min-w-0 truncate">{t('certificates.export.drag', { name })}</span>
    </div>
  );
}
