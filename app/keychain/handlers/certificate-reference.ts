import { KeywrightError } from '../../contract/index.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';

/** A command that runs by itself has watched nothing: it looks into the tokens when the store does not have what is asked for. */
export async function found(reference: string, { session, services }: Context, where = '/certificate'): Promise<StoredCertificate> {
  try {
    return session.certificates.resolve(reference, where);
  } catch (thrown) {
    if (services.about.kind !== 'cli' || !(thrown instanceof KeywrightError) || thrown.code !== 'NOT_FOUND') throw thrown;
    await session.found.settled();
    return session.certificates.resolve(reference, where);
  }
}
