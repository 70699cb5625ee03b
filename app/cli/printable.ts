/**
 * Text from elsewhere (labels, file names, messages) as it may be written to a terminal: control characters, which could
 * move the cursor or change what was shown, and marks that turn the direction of writing, are spelled out.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
