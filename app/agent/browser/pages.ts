import type { FastifyReply, FastifyRequest } from 'fastify';
import { PAGE_HEADERS } from './static-files.ts';

/** The one page that is not the window's: for whoever comes with a code that opens nothing. */
const REFUSED = {
  en: { title: 'This link has been used', text: 'A link that opens Keywright works once, within a minute. This one was used before, or it is too old.', remedy: 'Start Keywright again to get a new one, or open it from the window that you have.' },
  de: { title: 'Dieser Link wurde schon benutzt', text: 'Ein Link, der Keywright öffnet, gilt einmal und eine Minute lang. Dieser wurde schon benutzt oder ist zu alt.', remedy: 'Starten Sie Keywright neu, um einen neuen zu bekommen, oder nehmen Sie das Fenster, das schon offen ist.' },
} as const;

export function sendCodeRefused(request: FastifyRequest, reply: FastifyReply): void {
  const language = /^de\b/i.test(request.headers['accept-language'] ?? '') ? 'de' : 'en';
  const { title, text, remedy } = REFUSED[language];
  void reply.code(403).headers({ ...PAGE_HEADERS, 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' }).send(
    `<!doctype html>\n<html lang="${language}">\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n<title>Keywright: ${title}</title>\n<main><h1>${title}</h1>\n<p>${text}</p>\n<p>${remedy}</p></main>\n</html>\n`,
  );
}
