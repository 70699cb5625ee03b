/** One event of a `text/event-stream` (WHATWG HTML §9.2.6). */
interface StreamEvent {
  event: string;
  data: string;
}

/** Reads server-sent events from an answer's body until it ends. */
export async function* readEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let buffered = '';
  let event = 'message';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      buffered += done ? decoder.decode() : decoder.decode(value, { stream: true });
      // A lone CR at the end may be half of a CRLF: it waits for the next piece.
      const lines = buffered.split(done ? /\r\n|\n|\r/ : /\r\n|\n|\r(?!$)/);
      // The last piece is no line yet; at the end it never becomes one.
      buffered = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { event, data: data.join('\n') };
          event = 'message';
          data = [];
        } else if (line.startsWith('event:')) event = line.slice(6).trimStart();
        else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
