import { describe, expect, test } from 'vitest';
import { KeywrightError } from '../contract/index.ts';
import { formatPkcs11Path, namesSamePkcs11Object, parsePkcs11Uri } from './pkcs11-uri.ts';

const refusal = (uri: string): KeywrightError => {
  try {
    parsePkcs11Uri(uri);
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return thrown;
  }
  throw new Error(`${uri} was accepted`);
};

describe('PKCS#11 URIs', () => {
  test('the examples of RFC 7512 §3 are read', () => {
    expect(parsePkcs11Uri('pkcs11:')).toEqual({});
    expect(parsePkcs11Uri('pkcs11:object=my-pubkey;type=public')).toEqual({ object: 'my-pubkey', type: 'public' });
    expect(parsePkcs11Uri('pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=')).toEqual({
      token: 'The Software PKCS#11 Softtoken', manufacturer: 'Snake Oil, Inc.', model: '1.0', object: 'my-certificate', type: 'cert', id: new Uint8Array(Buffer.from('69953e5cf4bdec91', 'hex')), serial: '',
    });
    expect(parsePkcs11Uri('pkcs11:slot-description=Sun%20Metaslot')).toEqual({ slotDescription: 'Sun Metaslot' });
    expect(parsePkcs11Uri('pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23')).toEqual({ libraryManufacturer: 'Snake Oil, Inc.', libraryDescription: 'Soft Token Library', libraryVersion: '1.23' });
    expect(parsePkcs11Uri('pkcs11:slot-id=327')).toEqual({ slotId: 327 });
    expect(parsePkcs11Uri('pkcs11:token=My%20token%25%20created%20by%20Joe;object=my-%C3%A9;vendor-aaa=value-a')).toEqual({ token: 'My token% created by Joe', object: 'my-é' });
  });

  test('a PIN or a place of one is refused, and not repeated', () => {
    for (const uri of ['pkcs11:object=a?pin-value=the-secret', 'pkcs11:object=a?pin-source=file:/etc/the-secret', 'pkcs11:pin-value=the-secret', 'pkcs11:token=a;pin-value=the-secret']) {
      expect(refusal(uri)).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('PIN') });
      expect(JSON.stringify(refusal(uri).facts)).not.toContain('the-secret');
    }
  });

  test('what is malformed is refused with its place', () => {
    for (const [uri, at] of [['pkcs11:object', 7], ['pkcs11:object=a;object=b', 16], ['pkcs11:object=%2', 14], ['pkcs11:type=key', 7], ['pkcs11:slot-id=x', 7], ['pkcs11:object=%ff', 7]] as const) {
      expect(refusal(uri).facts.detail, uri).toContain(`offset ${at}`);
    }
  });

  test('what is written is read back, whatever is in it', () => {
    const path = { token: 'a;b=c?d&e /%é', serial: '0001', object: 'x', id: Uint8Array.of(0, 255, 59), type: 'private' as const };
    expect(parsePkcs11Uri(formatPkcs11Path(path))).toEqual(path);
  });

  test('fewer attributes in any order name the same key, other values another', () => {
    const uri = 'pkcs11:token=Build;serial=01;object=Release;id=%01;type=private';
    for (const reference of ['pkcs11:object=Release', 'pkcs11:id=%01;token=Build', 'pkcs11:object=Release;type=public', 'pkcs11:slot-id=3;object=Release?module-path=/x.so']) expect(namesSamePkcs11Object(reference, uri), reference).toBe(true);
    for (const reference of ['pkcs11:object=release', 'pkcs11:object=Release;token=Other', 'pkcs11:id=%02']) expect(namesSamePkcs11Object(reference, uri), reference).toBe(false);
    expect(() => namesSamePkcs11Object('pkcs11:slot-id=3', uri)).toThrow('names no token');
  });
});
