import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTimestampAuthority, type TimestampAuthority } from '../../e2e/authorities/timestamp.ts';
import type { SignatureFormatName } from '../contract/index.ts';
import { HAS_OPENSSL, run, temporaryFolder } from '../formats/testing/keys.ts';
import { readSignedData } from '../signing/cms/read.ts';
import { extracted } from '../signing/pdf/testing/documents.ts';
import { SIGNATURE_FORMATS } from '../signing/table.ts';
import { sampleFor, unpacked } from '../signing/testing/samples.ts';
import { openTestCore, type TestCore } from './testing/core.ts';

const TOKEN = '1.2.840.113549.1.9.16.2.14';

interface Stamp {
  readonly token: Uint8Array;
  /** What must be stamped: the signature, as its format says. */
  readonly stamped: Uint8Array;
}

function ofCms(bytes: Uint8Array): Stamp {
  const { signers: [signer] } = readSignedData(bytes);
  return { token: signer!.unsigned.find(({ oid }) => oid === TOKEN)!.values[0]!, stamped: signer!.signature };
}

/** The value in exclusive canonical form, as we write it, with the namespace that it is in. */
function ofXml(xml: string): Stamp {
  const value = /<ds:SignatureValue( [^>]*)?>[^<]*<\/ds:SignatureValue>/.exec(xml)![0];
  return {
    token: Buffer.from(/<xades:EncapsulatedTimeStamp>([^<]*)/.exec(xml)![1]!, 'base64'),
    stamped: Buffer.from(value.replace('<ds:SignatureValue', '<ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#"')),
  };
}

const entry = async (archive: Buffer, ending: RegExp): Promise<Buffer> => (await unpacked(archive)).find(({ name }) => ending.test(name))!.content;

/** Where each format has its timestamp. */
const STAMPED: Partial<Record<SignatureFormatName, (made: Buffer) => Promise<Stamp> | Stamp>> = {
  cms: ofCms, pdf: (made) => ofCms(extracted(made).cms), jar: async (made) => ofCms(await entry(made, /^META-INF\/.*\.EC$/)), xml: (made) => ofXml(made.toString()), asic: async (made) => ofXml((await entry(made, /signatures.*\.xml$/)).toString()),
};

describe.skipIf(!HAS_OPENSSL)('signatures with a timestamp (skipped without openssl)', () => {
  let authority: TimestampAuthority;
  let core: TestCore;
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  beforeAll(async () => {
    authority = await startTimestampAuthority();
    writeFileSync(at('root.pem'), authority.root);
    core = await openTestCore();
    await core.call('keys.generate', { label: 'Ada', algorithm: 'ec-p256' });
    await core.call('keys.generate', { label: 'Pure', algorithm: 'ed25519' });
    await core.call('certificates.self-sign', { key: 'Ada', subject: 'CN=Ada', days: 30 });
  });
  afterAll(async () => {
    await core[Symbol.asyncDispose]();
    authority[Symbol.dispose]();
    folder[Symbol.dispose]();
  });

  test.each(Object.entries(STAMPED) as [SignatureFormatName, NonNullable<(typeof STAMPED)['cms']>][])('as %s: openssl ts finds that it stamps the signature, and the verdict has its time', async (format, stampOf) => {
    writeFileSync(at(`file.${format}`), await sampleFor(format, 'The Magic Words'));
    const { files: [made] } = await core.call<{ files: [{ written: { path: string } }] }>('files.sign', { files: [{ path: at(`file.${format}`) }], key: 'Ada', format, timestamp: authority.url });
    const { token, stamped } = await stampOf(readFileSync(made.written.path));
    writeFileSync(at('token'), token);
    expect(run('openssl', ['ts', '-verify', '-token_in', '-in', at('token'), '-digest', createHash('sha256').update(stamped).digest('hex'), '-CAfile', at('root.pem')]).toString()).toContain('Verification: OK');
    const whole = format === 'cms' || format === 'xml' ? { file: { path: at(`file.${format}`) }, signature: { path: made.written.path } } : { file: { path: made.written.path } };
    const judged = await core.call<{ signatures: unknown[] }>('files.verify', { ...whole, roots: Buffer.from(authority.root).toString('base64url') });
    expect(judged.signatures).toMatchObject([{ intact: true, time: { according: 'timestamp', by: 'CN=Time Authority' } }]);
  });

  test('no other format takes one, nothing is asked, and the refusal names those that do', async () => {
    writeFileSync(at('other'), '{}');
    const asked = authority.requests.length;
    for (const format of (Object.keys(SIGNATURE_FORMATS) as SignatureFormatName[]).filter((name) => name !== 'timestamp' && STAMPED[name] === undefined)) {
      const refused = core.call('files.sign', { files: [{ path: at('other') }], key: /minisign|signify/.test(format) ? 'Pure' : 'Ada', format, timestamp: authority.url });
      await expect(refused, format).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining(`as ${format} has no place`), facts: { where: '/timestamp', alternatives: expect.arrayContaining(['cms', 'pdf', 'xml', 'asic', 'jar']) } });
    }
    expect(authority.requests).toHaveLength(asked);
  });
});
