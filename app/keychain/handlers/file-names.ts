/** @returns a name for a file, of letters, digits, dots and hyphens. */
export function fileNameOf(label: string, extension: string, fallback = 'certificate'): string {
  return `${label.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[.-]+|-+$/g, '').slice(0, 100) || fallback}.${extension}`;
}
