/**
 * The node's certificate: an own authority (for nodes to trust each other later) and a server certificate for the
 * names and addresses of this machine, made on the first start by openssl. Keys are readable by root only.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { run } from '../host/exec.ts';
import { ensureDir } from '../host/files.ts';

export interface NodeCertificate {
  /** PEM: the node's certificate, then the authority's. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 fingerprint, `AA:BB:…`. */
  readonly fingerprint: string;
}

const caDays = 3650;
/** Browsers refuse server certificates that are valid for longer (CA/Browser Forum baseline requirements). */
const serverDays = 397;
/** A certificate is replaced when it ends within this time (ms). */
const renewBefore = 30 * 24 * 3600 * 1000;

export async function loadCertificate(folder: string, node: string): Promise<NodeCertificate> {
  await ensureDir(folder, { mode: 0o700 });
  const files = {
    ca: join(folder, 'ca.pem'),
    caKey: join(folder, 'ca.key'),
    cert: join(folder, 'node.pem'),
    key: join(folder, 'node.key'),
  };
  if (!isPair(files.ca, files.caKey)) await makeAuthority(folder, files);
  if (!isPair(files.cert, files.key) || endsSoon(files.cert)) await makeServer(folder, files, node);
  const leaf = readFileSync(files.cert, 'utf8');
  const cert = leaf + readFileSync(files.ca, 'utf8');
  return {
    cert,
    key: readFileSync(files.key, 'utf8'),
    fingerprint: new X509Certificate(leaf).fingerprint256,
  };
}

interface Files {
  readonly ca: string;
  readonly caKey: string;
  readonly cert: string;
  readonly key: string;
}

/** False also for files that a power cut left half written or from different runs: they are made anew. */
function isPair(cert: string, key: string): boolean {
  try {
    return new X509Certificate(readFileSync(cert)).checkPrivateKey(createPrivateKey(readFileSync(key)));
  } catch {
    return false;
  }
}

function endsSoon(path: string): boolean {
  const { validTo } = new X509Certificate(readFileSync(path));
  return Date.parse(validTo) - Date.now() < renewBefore;
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

async function makeAuthority(folder: string, files: Files): Promise<void> {
  await inWorkFolder(folder, async (at) => {
    await run('openssl', [
      'req', '-x509', ...curve, '-days', String(caDays), '-subj', '/O=Ryokan/CN=Ryokan node authority',
      '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign',
      '-keyout', at('key'), '-out', at('cert'),
    ]); // biome-ignore format: arguments in pairs
    await rename(at('key'), files.caKey);
    await rename(at('cert'), files.ca);
  });
}

async function makeServer(folder: string, files: Files, node: string): Promise<void> {
  await inWorkFolder(folder, async (at) => {
    await writeFile(
      at('ext'),
      `subjectAltName=${names(node).join(',')}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n`,
    );
    const subject = `/O=Ryokan/CN=${node.slice(0, 64)}`;
    await run('openssl', ['req', ...curve, '-subj', subject, '-keyout', at('key'), '-out', at('csr')]);
    await run('openssl', [
      'x509', '-req', '-in', at('csr'), '-CA', files.ca, '-CAkey', files.caKey, '-CAcreateserial', '-CAserial', at('serial'),
      '-days', String(serverDays), '-extfile', at('ext'), '-out', at('cert'),
    ]); // biome-ignore format: arguments in pairs
    await rename(at('key'), files.key);
    await rename(at('cert'), files.cert);
  });
}

/** `at` gives paths in a new folder beside the files, which is gone afterwards. */
async function inWorkFolder(
  folder: string,
  work: (at: (name: string) => string) => Promise<void>,
): Promise<void> {
  const made = mkdtempSync(join(folder, 'new-'));
  try {
    await work((name) => join(made, name));
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** Every name and address by which a browser may reach this machine now. */
function names(node: string): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((one) => !one.address.startsWith('fe80:'))
    .map((one) => `IP:${one.address}`);
  const dns = [node, hostname(), 'localhost'].map((name) => `DNS:${name}`);
  return [...new Set([...dns, ...addresses, 'IP:127.0.0.1', 'IP:::1'])];
}
