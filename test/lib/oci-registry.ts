/** A registry of the OCI distribution specification, read-only: it serves the images of an OCI layout. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Registry {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  stop(): void;
}

/** Serves the layout at `folder` as the repository `name`, each image under the tag that the layout has for it. */
export async function startRegistry(folder: string, name: string): Promise<Registry> {
  const { manifests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as {
    manifests: Descriptor[];
  };
  const tagOf = (one: Descriptor) => one.annotations?.['org.opencontainers.image.ref.name'] ?? '';
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname;
    const [, kind, rest = ''] = new RegExp(`^/v2/${name}/(tags|manifests|blobs)/(.+)$`).exec(path) ?? [];
    const tagged = manifests.find((one) => [tagOf(one), one.digest].includes(rest));
    const send = (type: string, body: Buffer, digest?: string) => {
      response.writeHead(200, {
        'content-type': type,
        'content-length': body.length,
        ...(digest ? { 'docker-content-digest': digest } : {}),
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const blob = (digest: string) => readFileSync(join(folder, 'blobs', ...digest.split(':')));
    try {
      if (path === '/v2/') send('application/json', Buffer.from('{}'));
      else if (kind === 'tags') {
        const list = { name, tags: manifests.map(tagOf) };
        send('application/json', Buffer.from(JSON.stringify(list)));
      } else if (kind === 'manifests' && tagged) send(tagged.mediaType, blob(tagged.digest), tagged.digest);
      else if (kind === 'blobs') send('application/octet-stream', blob(rest));
      else response.writeHead(404).end();
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
