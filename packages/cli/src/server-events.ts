/** Reads a text/event-stream (HTML standard, section 9.2): only `event` and `data` fields matter here. */

export interface ServerEvent {
  readonly type: string;
  /** JSON text. */
  readonly data: string;
}

/** Events as their blank line arrives; a rest without one is dropped, as the standard says. */
export async function* readServerEvents(pieces: AsyncIterable<Uint8Array>): AsyncIterable<ServerEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  let type = '';
  let data: string[] = [];
  for await (const piece of pieces) {
    pending += decoder.decode(piece, { stream: true });
    const lines = pending.split(/\r\n|\n|\r(?!$)/);
    pending = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { type: type || 'message', data: data.join('\n') };
        type = '';
        data = [];
      } else if (line.startsWith('event:')) type = fieldValue(line, 6);
      else if (line.startsWith('data:')) data.push(fieldValue(line, 5));
    }
  }
}

const fieldValue = (line: string, from: number): string => line.slice(line[from] === ' ' ? from + 1 : from);
