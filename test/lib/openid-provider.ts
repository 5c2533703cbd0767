/**
 * A real OpenID provider for tests (npm oidc-provider) on loopback with TLS and a small login page, and a visitor who
 * walks through it with plain HTTP requests, as a browser would.
 */
import { createSign, generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Provider } from 'oidc-provider';
import { loadCertificate } from '../../packages/server/src/cluster/pki.ts';
import { freePort } from './node.ts';

export const clientId = 'ryokan';
export const clientKey = 'the key of Ryokan: 1/2+3=';

type Claims = Readonly<Record<string, unknown>>;

export interface OpenIdProvider {
  readonly issuer: string;
  /** File of the authority that signed the provider's certificate. */
  readonly ca: string;
  /** Claims of the people who can log in, by the name that they type. */
  readonly accounts: Map<string, Claims>;
  /** Changes claims of ID tokens before they are signed; for tokens that a good provider would never give. */
  tamper: ((claims: Claims) => Claims) | undefined;
  /** Follows the address of a login as this person and gives what the browser is sent back with. */
  visit(url: string, person: string): Promise<URL>;
  stop(): Promise<void>;
}

/** Starts a provider whose client may be sent back to these addresses. `folder` takes its certificates. */
export async function startOpenIdProvider(
  folder: string,
  redirectUrls: readonly string[],
  options: { readonly authMethod?: string } = {},
): Promise<OpenIdProvider> {
  const port = await freePort();
  const issuer = `https://127.0.0.1:${port}`;
  const certificate = await loadCertificate(join(folder, 'openid'), 'openid');
  const ca = join(folder, 'openid/ca.pem');
  const accounts = new Map<string, Claims>();
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientKey,
        redirect_uris: redirectUrls,
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: options.authMethod ?? 'client_secret_basic',
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'RS256' }] },
    ...(options.authMethod === undefined ? {} : { clientAuthMethods: [options.authMethod] }),
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: false } },
    claims: {
      openid: ['sub', 'roles', 'realm_access'],
      email: ['email', 'email_verified'],
      profile: ['preferred_username', 'given_name', 'family_name'],
    },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, ...accounts.get(id) }),
    }),
    loadExistingGrant: async (context: {
      oidc: { client: { clientId: string }; session: { accountId: string } };
    }) => {
      const { client, session } = context.oidc;
      const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  const state: { tamper: OpenIdProvider['tamper'] } = { tamper: undefined };
  provider.use(async (context, next) => {
    await next();
    const body = context.body as { id_token?: string } | undefined;
    if (context.path !== '/token' || !state.tamper || body?.id_token === undefined) return;
    const [head = '', payload = ''] = body.id_token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    const signed = `${head}.${Buffer.from(JSON.stringify(state.tamper(claims))).toString('base64url')}`;
    const signature = createSign('RSA-SHA256').update(signed).sign(privateKey).toString('base64url');
    context.body = { ...body, id_token: `${signed}.${signature}` };
  });
  const callback = provider.callback();
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (incoming, outgoing) => {
    if (incoming.url?.startsWith('/interaction/')) void interact(provider, incoming, outgoing);
    else callback(incoming, outgoing);
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const trusted = await readFile(ca, 'utf8');
  return {
    issuer,
    ca,
    accounts,
    get tamper() {
      return state.tamper;
    },
    set tamper(change) {
      state.tamper = change;
    },
    visit: (url, person) => walk(url, person, trusted),
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** The login page: it asks for a name and takes everybody whom it gets. */
async function interact(
  provider: Provider,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  if (incoming.method === 'POST') {
    const name = new URLSearchParams(await text(incoming)).get('name') ?? '';
    await provider.interactionFinished(incoming, outgoing, { login: { accountId: name } });
    return;
  }
  const { uid } = await provider.interactionDetails(incoming, outgoing);
  outgoing.setHeader('content-type', 'text/html');
  outgoing.end(
    `<!doctype html><title>Provider</title><link rel="icon" href="data:,"><form method="post" action="/interaction/${uid}">` +
      '<label>Name <input name="name" autofocus></label> <button>Log in</button></form>',
  );
}

/** Follows redirects with cookies, fills in the login page and stops where the provider sends the browser away. */
async function walk(start: string, person: string, ca: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  const { origin } = url;
  let body: string | undefined;
  for (let step = 0; step < 20; step++) {
    const answer = await exchange(url, ca, cookies, body);
    if (answer.location !== undefined) {
      url = new URL(answer.location, url);
      body = undefined;
      if (url.origin !== origin) return url;
    } else {
      const action = /action="([^"]+)"/.exec(answer.body)?.[1];
      if (action === undefined)
        throw new Error(`the provider shows no login page: ${answer.body.slice(0, 500)}`);
      url = new URL(action, url);
      body = new URLSearchParams({ name: person }).toString();
    }
  }
  throw new Error('the provider does not come to an end');
}

function exchange(
  url: URL,
  ca: string,
  cookies: Map<string, string>,
  body: string | undefined,
): Promise<{ readonly location?: string; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = {
      ...(cookie === '' ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const outgoing = request(
      url,
      { ca, method: body === undefined ? 'GET' : 'POST', headers },
      async (answer) => {
        for (const line of answer.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          cookies.set(name, value);
        }
        const { location } = answer.headers;
        resolve({ ...(location === undefined ? {} : { location }), body: await text(answer) });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
