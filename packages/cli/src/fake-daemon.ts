/**
 * For tests: an HTTP server on a Unix socket that speaks as the daemon does. It has guests, tasks whose log grows, and
 * an event stream.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Received {
  readonly verb: string;
  /** As it came, still encoded, without the query. */
  readonly path: string;
  readonly params: URLSearchParams;
}

export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
}

type Handler = (request: Received) => Answer | undefined;

interface Task {
  lines: string[];
  exitstatus?: string;
}

export class FakeDaemon {
  readonly received: Received[] = [];
  readonly tasks = new Map<string, Task>();
  /** Called for every request that is about no task. */
  handle: Handler = () => ({ status: 501, body: { data: null, message: 'not implemented\n' } });
  /** False: the event stream answers 501. */
  hasEvents = true;
  private readonly folder = mkdtempSync(join(tmpdir(), 'ryokan-cli-'));
  readonly socket = join(this.folder, 'daemon.sock');
  private readonly streams = new Set<ServerResponse>();
  private server: Server | undefined;

  async open(): Promise<void> {
    const server = createServer((request, response) => void this.answer(request, response));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.socket, resolve));
  }

  /** Goes away as a stopped daemon does; `open` brings it back with its tasks. */
  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  upid(type = 'qmstart', id = '100'): string {
    const upid = `UPID:pve1:0000${(1000 + this.tasks.size).toString(16).toUpperCase()}:00000001:00000002:${type}:${id}:root@pam:`;
    this.tasks.set(upid, { lines: [] });
    return upid;
  }

  log(upid: string, line: string): void {
    const task = this.tasks.get(upid);
    if (!task) throw new Error(`no task ${upid}`);
    const n = task.lines.push(line);
    this.publish('log', { upid, n, t: line });
  }

  progress(upid: string, progress: number, note: string): void {
    this.publish('task', { upid, progress, note });
  }

  end(upid: string, exitstatus: string): void {
    const task = this.tasks.get(upid);
    if (!task) throw new Error(`no task ${upid}`);
    this.log(upid, exitstatus === 'OK' ? 'TASK OK' : `TASK ERROR: ${exitstatus}`);
    task.exitstatus = exitstatus;
    this.publish('task', { upid, endtime: 5, status: exitstatus });
  }

  publish(type: string, data: unknown): void {
    for (const stream of this.streams) stream.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString();
    const params = body === '' ? url.searchParams : new URLSearchParams(body);
    const received = { verb: request.method ?? '', path: url.pathname.replace('/api2/json', ''), params };
    this.received.push(received);
    if (received.path === '/cluster/events' && this.hasEvents) return this.stream(response);
    const { status = 200, body: answer } = this.taskAnswer(received) ?? this.handle(received) ?? {};
    response.writeHead(status, { 'Content-Type': 'application/json;charset=UTF-8' });
    response.end(JSON.stringify(answer ?? { data: null }));
  }

  private stream(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('event: hello\ndata: {}\n\n');
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
  }

  private taskAnswer({ verb, path, params }: Received): Answer | undefined {
    const match = /^\/nodes\/pve1\/tasks\/([^/]+)(\/status|\/log)?$/.exec(path);
    if (!match) return undefined;
    const upid = decodeURIComponent(match[1] ?? '');
    const task = this.tasks.get(upid);
    if (!task) return { status: 400, body: { data: null, message: 'no such task\n' } };
    if (verb === 'DELETE') {
      this.end(upid, 'interrupted by signal');
      return {};
    }
    if (match[2] === '/log') {
      const start = Number(params.get('start') ?? 0);
      const lines = task.lines.slice(start).map((t, i) => ({ n: start + i + 1, t }));
      return {
        body: { data: lines.length > 0 ? lines : [{ n: 1, t: 'no content' }], total: task.lines.length },
      };
    }
    const { exitstatus } = task;
    return { body: { data: { upid, status: exitstatus ? 'stopped' : 'running', exitstatus } } };
  }
}
