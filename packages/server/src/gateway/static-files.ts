/**
 * The files of the Web UI, read once into memory, and their compressed forms when first asked for. Unknown paths get
 * index.html, because the pages have URLs of their own. Names under assets/ carry a hash of their content and are kept for ever.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Shorter files (bytes) fit into one packet as they are. */
const worthCompressing = 1024;

type Encoding = 'br' | 'gzip';

/** Best first, with the ending of the file that the build has written beside the plain one. */
const encodings: readonly (readonly [Encoding, string])[] = [
  ['br', '.br'],
  ['gzip', '.gz'],
];

interface StaticFile {
  readonly path: string;
  readonly bytes: Buffer;
  /** Compressed forms by their name in HTTP; undefined for one that the build has not made. */
  readonly forms: Map<Encoding, Buffer | undefined>;
  readonly type: string;
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html;charset=UTF-8',
  '.js': 'text/javascript;charset=UTF-8',
  '.css': 'text/css;charset=UTF-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json;charset=UTF-8',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain;charset=UTF-8',
  '.webmanifest': 'application/manifest+json',
};

const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    // Pointers of guests' screens are data: addresses.
    "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
};

export class StaticFiles {
  private readonly files = new Map<string, StaticFile>();

  /** `folder` may be missing: then a line says how to build it. */
  constructor(folder: string) {
    for (const path of filesBelow(folder)) {
      const bytes = readFileSync(path);
      const type = types[extname(path)] ?? 'application/octet-stream';
      const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
      this.files.set(`/${relative(folder, path)}`, { path, bytes, forms: new Map(), type, etag });
    }
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const asset = path.startsWith('/assets/');
    const file = this.files.get(path) ?? (asset ? undefined : this.files.get('/index.html'));
    if (!file) return notFound(response, asset ? 'no such file' : 'the Web UI is not built: run ./ryokan up');
    const headers: Record<string, string> = {
      ...securityHeaders,
      'Content-Type': file.type,
      ETag: file.etag,
      Vary: 'Accept-Encoding',
      'Cache-Control': asset ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304, headers).end();
      return;
    }
    const body = this.encoded(file, request, headers);
    headers['Content-Length'] = String(body.length);
    response.writeHead(200, headers).end(body);
  }

  /** The smallest form that the browser takes; names it in `headers`. */
  private encoded(file: StaticFile, request: IncomingMessage, headers: Record<string, string>): Buffer {
    if (file.bytes.length < worthCompressing) return file.bytes;
    const accepted = request.headers['accept-encoding'] ?? '';
    for (const [name, ending] of encodings) {
      const form = new RegExp(`\\b${name}\\b`).test(accepted) ? formOf(file, name, ending) : undefined;
      if (!form) continue;
      headers['Content-Encoding'] = name;
      return form;
    }
    return file.bytes;
  }
}

function formOf(file: StaticFile, name: Encoding, ending: string): Buffer | undefined {
  if (!file.forms.has(name)) {
    const built = readIfPresent(file.path + ending);
    const now = name === 'gzip' && file.type.startsWith('text/');
    file.forms.set(name, built ?? (now ? gzipSync(file.bytes, { level: 9 }) : undefined));
  }
  return file.forms.get(name);
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && !/\.(gz|br)$/.test(entry.name))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  } catch {
    return [];
  }
}

function notFound(response: ServerResponse, text: string): void {
  response
    .writeHead(404, { ...securityHeaders, 'Content-Type': 'text/plain;charset=UTF-8' })
    .end(`${text}\n`);
}

function readIfPresent(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
