/** Associated Signature Containers (ETSI EN 319 162-1): what lies where in them. */

export const ASIC = 'http://uri.etsi.org/02918/v1.2.1#';
export const MIME_TYPE_NAME = 'mimetype';
export const EXTENDED = 'application/vnd.etsi.asic-e+zip';
export const MANIFEST_NAME = 'META-INF/manifest.xml';
const FOLDER = 'META-INF/';

/** Parts by their names, whose case does not matter (§4.3.3, §4.4.3, §4.4.4). */
export const isXadesFile = (name: string): boolean => /^META-INF\/[^/]*signatures[^/]*\.xml$/i.test(name);
export const isCadesFile = (name: string): boolean => /^META-INF\/[^/]*signature[^/]*\.p7s$/i.test(name);
export const isCadesManifest = (name: string): boolean => /^META-INF\/[^/]*asicmanifest[^/]*\.xml$/i.test(name);
export const isTimestampFile = (name: string): boolean => /^META-INF\/[^/]*timestamp[^/]*\.tst$/i.test(name);

/** Whether an entry is what the container is made for: not its type, not its signatures. */
export const isData = (name: string): boolean => name !== MIME_TYPE_NAME && !name.toUpperCase().startsWith(FOLDER);

/** A name within a container as a reference has it: a relative URI. */
export const uriOf = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

/** @returns the name that a reference means; null for what is none within the container. */
export function nameOf(uri: string): string | null {
  try {
    const name = decodeURIComponent(uri.replace(/^\.?\//, ''));
    return name === '' || /^[a-z][a-z0-9+.-]*:|^\/|[?#]/i.test(uri) ? null : name;
  } catch {
    return null;
  }
}
