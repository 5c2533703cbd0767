/** A logged-in caller of a node's REST API: by ticket, as the Web UI, or by API token. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import {
  type Answer,
  type Envelope,
  formOf,
  HttpClient,
  jsonOf,
  multipartOf,
  type Parameters,
} from './http-client.ts';
import { waitFor } from './wait.ts';

/** A call that did not answer with 200. */
export class CallError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly errors: Readonly<Record<string, string>>;
  constructor(call: string, answer: Answer, envelope: Partial<Envelope<unknown>>) {
    const detail = envelope.errors ? ` ${JSON.stringify(envelope.errors)}` : '';
    super(`${call}: ${answer.status} ${answer.reason}${detail}`);
    this.name = 'CallError';
    this.status = answer.status;
    this.reason = answer.reason;
    this.errors = envelope.errors ?? {};
  }
}

export type Verb = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface TaskEnd {
  readonly upid: string;
  /** `OK`, `WARNINGS: N` or the error's text. */
  readonly exitstatus: string;
  readonly log: readonly string[];
}

export class ApiSession {
  readonly client: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.client = new HttpClient(url);
    this.#headers = headers;
  }

  /** Headers that identify the caller, for requests made by other means. */
  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  /** Calls `path` (below /api2/json); gives the answer, whatever its status. */
  answer(verb: Verb, path: string, parameters: Parameters = {}): Promise<Answer> {
    const form = formOf(parameters);
    const inBody = verb === 'POST' || verb === 'PUT';
    return this.client.send(`/api2/json${path}${!inBody && form !== '' ? `?${form}` : ''}`, {
      method: verb,
      headers: {
        ...this.#headers,
        ...(inBody ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(inBody ? { body: form } : {}),
    });
  }

  /** Calls `path` and gives `data`. Rejects with CallError for every status but 200. */
  async call<T = unknown>(verb: Verb, path: string, parameters?: Parameters): Promise<T> {
    const answer = await this.answer(verb, path, parameters);
    if (answer.status === 200) return jsonOf<T>(answer).data;
    const isJson = /json/.test(answer.headers['content-type'] ?? '');
    throw new CallError(`${verb} ${path}`, answer, isJson ? jsonOf<T>(answer) : {});
  }

  get<T = unknown>(path: string, parameters?: Parameters): Promise<T> {
    return this.call<T>('GET', path, parameters);
  }

  /** Calls a method that answers with a UPID and waits for the task; rejects unless it ended with OK. */
  async run(verb: Verb, path: string, parameters?: Parameters, timeout = 60): Promise<TaskEnd> {
    const end = await this.taskEnd(await this.call<string>(verb, path, parameters), timeout);
    if (end.exitstatus !== 'OK') {
      throw new Error(`${verb} ${path}: task ended with '${end.exitstatus}':\n${end.log.join('\n')}`);
    }
    return end;
  }

  /** Waits until a task has ended, well or badly. `timeout` in seconds. */
  async taskEnd(upid: string, timeout = 60): Promise<TaskEnd> {
    const node = upid.split(':')[1] ?? '';
    const path = `/nodes/${node}/tasks/${encodeURIComponent(upid)}`;
    const exitstatus = await waitFor(
      async () => {
        const status = await this.get<{ status: string; exitstatus?: string }>(`${path}/status`);
        return status.status === 'stopped' ? (status.exitstatus ?? 'no exit status') : undefined;
      },
      { timeout, every: 100, what: `the end of task ${upid}` },
    );
    const log = await this.get<ReadonlyArray<{ t: string }>>(`${path}/log`, { limit: 500 });
    return { upid, exitstatus, log: log.map((line) => line.t) };
  }

  /** Uploads a file; gives the answer with the UPID, or the refusal. */
  async upload(
    path: string,
    fileName: string,
    content: Buffer,
    fields: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const { contentType, body } = multipartOf(fields, { field: 'filename', fileName, content });
    return this.client.send(`/api2/json${path}`, {
      method: 'POST',
      headers: { ...this.#headers, 'Content-Type': contentType },
      body,
    });
  }

  /** Uploads a file of this machine, read as it is sent; gives the answer with the UPID, or the refusal. */
  async uploadFile(
    path: string,
    file: string,
    fields: Readonly<Record<string, string>>,
    fileName = basename(file),
  ): Promise<Answer> {
    const mark = Buffer.from('content of the file');
    const { contentType, body } = multipartOf(fields, { field: 'filename', fileName, content: mark });
    const at = body.indexOf(mark);
    const [head, tail] = [body.subarray(0, at), body.subarray(at + mark.length)];
    const { size } = await stat(file);
    return this.client.send(`/api2/json${path}`, {
      method: 'POST',
      headers: {
        ...this.#headers,
        'Content-Type': contentType,
        'Content-Length': String(head.length + size + tail.length),
      },
      body: Readable.from(inOrder(head, createReadStream(file), tail)),
      timeout: 300_000,
    });
  }

  close(): void {
    this.client.close();
  }
}

async function* inOrder(head: Buffer, file: AsyncIterable<Buffer>, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  yield* file;
  yield tail;
}

/** Logs in with a password; the session carries ticket and CSRF token. */
export async function logIn(url: string, username: string, password: string): Promise<ApiSession> {
  const anonymous = new ApiSession(url, {});
  try {
    const ticket = await anonymous.call<{ ticket: string; CSRFPreventionToken: string }>(
      'POST',
      '/access/ticket',
      {
        username,
        password,
      },
    );
    return new ApiSession(url, {
      Cookie: `PVEAuthCookie=${ticket.ticket}`,
      CSRFPreventionToken: ticket.CSRFPreventionToken,
    });
  } finally {
    anonymous.close();
  }
}

/** A session by API token, `user@realm!id=secret`. */
export function tokenSession(url: string, token: string): ApiSession {
  return new ApiSession(url, { Authorization: `PVEAPIToken=${token}` });
}
