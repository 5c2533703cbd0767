/** The raw tool beside the API: Fastify over HTTPS with routes that return bytes it already has. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { fastify as Fastify } from 'fastify';
import type { Role } from './lib/children.ts';

export interface FastifyRequest {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** Path of each route to the file with its body. */
  readonly routes: Readonly<Record<string, string>>;
}

/** Answers with the port. */
export function fastifyRole(): Role {
  return (message) => serve(message as FastifyRequest);
}

async function serve({ cert, key, routes }: FastifyRequest): Promise<number> {
  // Loaded at run time: as a helper's package it is no part of what `./ryokan bench` bundles.
  const { fastify } = createRequire(import.meta.url)('fastify') as { fastify: typeof Fastify };
  const app = fastify({ https: { cert, key }, logger: false });
  for (const [path, file] of Object.entries(routes)) {
    const body = await readFile(file);
    app.get(path, (_request, reply) => reply.type('application/json;charset=UTF-8').send(body));
  }
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}
