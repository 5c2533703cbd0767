/** A web server inside a node's network namespace that offers one container template by a signed catalogue. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { NetworkNamespace } from './network-namespace.ts';
import { makeSigningKey } from './signing-key.ts';

const port = 8099;

export interface CatalogueServer {
  readonly url: string;
  /** File with the key that signs it. */
  readonly keyring: string;
  stop(): Promise<void>;
}

/** Offers the file `template` as the package `busybox` in the section `system`. */
export async function startCatalogue(
  namespace: NetworkNamespace,
  template: string,
): Promise<CatalogueServer> {
  const folder = await mkdtemp(join(tmpdir(), 'ryokan-catalogue-'));
  const web = join(folder, 'web');
  await mkdir(web);
  const name = basename(template);
  await copyFile(template, join(web, name));
  const sha512 = createHash('sha512')
    .update(await readFile(template))
    .digest('hex');
  const stanza = (title: string, section: string) =>
    `Package: ${title}\nVersion: 1.36\nType: lxc\nOS: unmanaged\nSection: ${section}\nArchitecture: amd64\n` +
    `Location: ${name}\nsha512sum: ${sha512}\nDescription: A shell and little else\n For tests.\n`;
  const index = join(web, 'aplinfo.dat');
  const other = stanza('mailer', 'mail').replace(name, 'mailer_1.tar.gz');
  await writeFile(index, `${stanza('busybox', 'system')}\n${other}`);
  await writeFile(`${index}.gz`, gzipSync(await readFile(index)));
  const key = await makeSigningKey(join(folder, 'gpg'));
  const keyring = join(folder, 'keys.gpg');
  await key.export(keyring);
  await key.sign(index, `${index}.asc`);
  const [program = '', ...prefix] = namespace.prefix;
  const server = spawn(program, [...prefix, 'busybox', 'httpd', '-f', '-p', `127.0.0.1:${port}`, '-h', web], {
    stdio: 'ignore',
  });
  return {
    url: `http://127.0.0.1:${port}/aplinfo.dat.gz`,
    keyring,
    async stop() {
      await ended(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await end;
}
