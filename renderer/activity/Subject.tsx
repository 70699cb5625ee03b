import { useNavigate } from '@tanstack/react-router';
import { useOperation } from '../bridge/index.ts';
import { Button } from '../ui/index.ts';

const CERTIFICATE = 'certificate:';
/** A key's kind and its id, which is hexadecimal; `store:Keys` and `job:4` are something else. */
const KEY = /^[a-z0-9]+:[0-9a-f]{32}$/;

/** What an entry is about: by its name, which leads to it, where it is held here still; else as the entry has it. */
export function Subject({ uri }: { uri: string }) {
  const navigate = useNavigate();
  const isCertificate = uri.startsWith(CERTIFICATE);
  const key = useOperation('keys.show', KEY.test(uri) ? { key: uri } : undefined);
  const certificate = useOperation('certificates.show', isCertificate ? { certificate: uri.slice(CERTIFICATE.length) } : undefined);
  const known = key.data ?? certificate.data;
  return (
    <>
      {known !== undefined && <Button small kind="plain" className="-ml-2 max-w-full" onPress={() => void navigate({ to: isCertificate ? '/certificates' : '/keys', search: { selected: known.id } })}><span className="truncate">{known.label}</span></Button>}
      <p className={known === undefined ? 'font-mono text-12 break-all' : 'font-mono text-12 break-all text-muted'}>{uri}</p>
    </>
  );
}
