/** Words of the native parts: menus, tray, dialogs. The window's own words are in its message catalogue. */
const ENGLISH = {
  file: 'File', newKey: 'New key…', importKeys: 'Import…', signFiles: 'Sign files…', settings: 'Settings…', lock: 'Lock', quit: 'Quit Keywright',
  edit: 'Edit', undo: 'Undo', redo: 'Redo', cut: 'Cut', copy: 'Copy', paste: 'Paste', selectAll: 'Select all',
  view: 'View', palette: 'Command palette…', keys: 'Keys', certificates: 'Certificates', files: 'Files', tokens: 'Tokens', backends: 'Backends', health: 'Health', activity: 'Activity',
  zoomIn: 'Zoom in', zoomOut: 'Zoom out', actualSize: 'Actual size', fullScreen: 'Full screen', developerTools: 'Developer tools',
  window: 'Window', minimize: 'Minimize', close: 'Close', help: 'Help', shortcuts: 'Keyboard shortcuts', about: 'About Keywright',
  show: 'Show Keywright', promptTitle: 'Keywright asks', chooseFiles: 'Choose files', saveAs: 'Save as',
  cannotStart: 'Keywright cannot start', damaged: 'Its installation is incomplete: {what} is missing. Install it again, or run “npm run build” in a source tree.',
};
export type Words = typeof ENGLISH;

const GERMAN: Words = {
  file: 'Datei', newKey: 'Neuer Schlüssel …', importKeys: 'Importieren …', signFiles: 'Dateien signieren …', settings: 'Einstellungen …', lock: 'Sperren', quit: 'Keywright beenden',
  edit: 'Bearbeiten', undo: 'Rückgängig', redo: 'Wiederholen', cut: 'Ausschneiden', copy: 'Kopieren', paste: 'Einfügen', selectAll: 'Alles auswählen',
  view: 'Ansicht', palette: 'Befehlspalette …', keys: 'Schlüssel', certificates: 'Zertifikate', files: 'Dateien', tokens: 'Token', backends: 'Backends', health: 'Befunde', activity: 'Aktivität',
  zoomIn: 'Vergrößern', zoomOut: 'Verkleinern', actualSize: 'Originalgröße', fullScreen: 'Vollbild', developerTools: 'Entwicklerwerkzeuge',
  window: 'Fenster', minimize: 'Minimieren', close: 'Schließen', help: 'Hilfe', shortcuts: 'Tastenkürzel', about: 'Über Keywright',
  show: 'Keywright anzeigen', promptTitle: 'Keywright fragt', chooseFiles: 'Dateien auswählen', saveAs: 'Speichern unter',
  cannotStart: 'Keywright kann nicht starten', damaged: 'Die Installation ist unvollständig: {what} fehlt. Installieren Sie Keywright neu, oder führen Sie im Quellbaum „npm run build“ aus.',
};

/** @param language  a BCP 47 tag; whatever is not German gets English */
export function wordsFor(language: string): Words {
  return language.toLowerCase().split('-')[0] === 'de' ? GERMAN : ENGLISH;
}
