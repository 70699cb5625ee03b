import { randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KeywrightError, type Core, type Operation, type Principal } from '../../contract/index.ts';
import { openDownload, receiveUpload } from '../../keychain/files/spool.ts';
import { sendJson, sendProblem } from './answers.ts';

/** An upload of which nothing comes for so long is given up. The whole may take as long as it takes. */
const SILENCE_MS = 60_000;

/** Answers an operation whose body is a file, coming in or going out. */
export async function answerFile(core: Core, operation: Operation, input: () => unknown, principal: Principal, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const requestId = randomUUID();
  try {
    await permit(core, operation, principal, request);
    const parsed = operation.input.safeParse(input());
    if (!parsed.success) throw new KeywrightError('INVALID_INPUT', { detail: `The input is not valid: ${parsed.error.issues[0]?.message ?? 'unknown'}.`, where: `/${parsed.error.issues[0]?.path.join('/') ?? ''}` });
    if (operation.stream?.body === 'in') sendJson(reply, operation.http.status, await upload(core, principal, (parsed.data as { name: string }).name, request, reply));
    else await download(core, principal, (parsed.data as { id: string }).id, reply);
  } catch (thrown) {
    sendProblem(request, reply, thrown, requestId);
  }
}

/** What the dispatcher does for every other call: these two never reach it, since their bodies are no input. */
async function permit(core: Core, operation: Operation, principal: Principal, { method }: FastifyRequest): Promise<void> {
  if (operation.permission === null || principal.permissions.has(operation.permission)) return;
  const detail = `“${principal.name}” may not do this: it needs the permission ${operation.permission}.`;
  await core.refuse({ face: principal.face, code: 'PERMISSION_DENIED', request: `${method} ${operation.http.path}`, reason: detail });
  throw new KeywrightError('PERMISSION_DENIED', { detail, remedy: 'Ask for a token with that permission (`keywright access grant`).' });
}

/** Streams the body of a request into the spool. @returns the upload's id, size and SHA-256. */
export async function upload(core: Core, principal: Principal, name: string, { raw }: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const abort = new AbortController();
  reply.raw.once('close', () => abort.abort(new KeywrightError('CANCELLED', 'The caller went away.')));
  raw.setTimeout(SILENCE_MS, () => raw.destroy());
  try {
    // Left open when it fails, so that the caller reads why.
    return await receiveUpload(core.spoolFolder, principal.id, name, raw.iterator({ destroyOnReturn: false }), abort.signal);
  } catch (thrown) {
    throw raw.errored === null && !raw.socket.destroyed ? thrown : new KeywrightError('CANCELLED', { detail: 'The connection broke before the whole file came. Nothing was kept.', cause: thrown });
  } finally {
    raw.setTimeout(0);
  }
}

/** Streams a file out of the spool. @throws NOT_FOUND, also for one of another principal. */
export async function download(core: Core, principal: Principal, id: string, reply: FastifyReply): Promise<void> {
  const { stream, name, bytes } = await openDownload(core.spoolFolder, principal.id, id);
  reply.hijack();
  reply.raw.writeHead(200, {
    'Content-Type': 'application/octet-stream', 'Content-Length': bytes, 'Content-Disposition': attachment(name),
    'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'Content-Security-Policy': 'sandbox',
  });
  // A break on the way ends the connection short of its Content-Length, which tells the reader.
  await pipeline(stream, reply.raw).catch(() => undefined);
}

/** @returns `Content-Disposition` (RFC 6266 §4, RFC 8187 §3.2): the name in UTF-8, and one of plain letters for old readers. */
function attachment(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._ -]/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
