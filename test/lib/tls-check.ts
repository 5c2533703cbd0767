/**
 * Grades a server's TLS as scanners do: offers each protocol and each cipher that this OpenSSL knows, one by one, and looks at
 * the certificate. No knowledge of the server's settings.
 */
import { connect, getCiphers, type PeerCertificate, type SecureVersion, type TLSSocket } from 'node:tls';

export interface TlsReport {
  /** Protocols that the server accepts, best first. */
  readonly protocols: readonly string[];
  /** Ciphers of TLS 1.2 that it accepts, OpenSSL's names. */
  readonly ciphers: readonly string[];
  /** True when a client may renegotiate (RFC 5746 or not). */
  readonly renegotiates: boolean;
  readonly certificate: {
    /** Bits of an elliptic curve's or an RSA key. */
    readonly keyBits: number;
    readonly isRsa: boolean;
    /** Days from its beginning to its end. */
    readonly days: number;
    /** `DNS:…` and `IP Address:…`. */
    readonly names: readonly string[];
  };
  /** What a scanner would mark down; empty for the best grade. */
  readonly findings: readonly string[];
}

interface Offer {
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  readonly ciphers?: string;
}

const versions: readonly SecureVersion[] = ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1'];

export async function checkTls(port: number, host = '127.0.0.1'): Promise<TlsReport> {
  const offer = (values: Offer) => handshake(port, host, values);
  const accepted: string[] = [];
  for (const version of versions) {
    if (await offer({ minVersion: version, maxVersion: version })) accepted.push(version);
  }
  const ciphers: string[] = [];
  // Names of TLS 1.3 begin with tls_; all of them are good.
  for (const name of getCiphers().filter((one) => !one.startsWith('tls_'))) {
    const cipher = name.toUpperCase();
    if (await offer({ maxVersion: 'TLSv1.2', ciphers: cipher })) ciphers.push(cipher);
  }
  const best = await offer({});
  const report = {
    protocols: accepted,
    ciphers,
    renegotiates: await renegotiates(port, host),
    certificate: certificateOf(best?.certificate),
  };
  return { ...report, findings: findingsOf(report) };
}

/** A handshake; undefined when it fails. SECLEVEL=0 lets this side offer what is long broken. */
function handshake(port: number, host: string, offer: Offer): Promise<Handshake | undefined> {
  return new Promise((resolve) => {
    const options = { ...offer, ciphers: `${offer.ciphers ?? 'ALL'}:@SECLEVEL=0` };
    let socket: TLSSocket;
    try {
      socket = connect({ port, host, rejectUnauthorized: false, ...options });
    } catch {
      // A cipher that this OpenSSL names but cannot offer.
      return resolve(undefined);
    }
    socket.on('secureConnect', () => {
      resolve({ certificate: socket.getPeerCertificate() });
      socket.destroy();
    });
    socket.on('error', () => resolve(undefined));
  });
}

interface Handshake {
  readonly certificate: PeerCertificate;
}

function renegotiates(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { port, host, rejectUnauthorized: false, maxVersion: 'TLSv1.2' } as const;
    const socket = connect(options, () =>
      socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error === null)),
    );
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

function certificateOf(certificate: PeerCertificate | undefined): TlsReport['certificate'] {
  if (!certificate) throw new Error('no TLS at this port');
  const { bits = 0, valid_from: from, valid_to: to, subjectaltname: names = '', modulus } = certificate;
  return {
    keyBits: bits,
    isRsa: modulus !== undefined,
    days: (Date.parse(to) - Date.parse(from)) / 86_400_000,
    names: names.split(', '),
  };
}

function findingsOf(report: Omit<TlsReport, 'findings'>): string[] {
  const { protocols, ciphers, renegotiates, certificate } = report;
  const old = protocols.filter((one) => one !== 'TLSv1.3' && one !== 'TLSv1.2');
  const weak = ciphers.filter((one) => !/^(EC)?DHE-.*(GCM|CHACHA20|CCM)/.test(one));
  const { keyBits, isRsa, days, names } = certificate;
  return [
    ...old.map((one) => `accepts ${one}`),
    ...(protocols.includes('TLSv1.3') ? [] : ['does not speak TLSv1.3']),
    ...weak.map((one) => `accepts ${one}: no forward secrecy, or no authenticated encryption`),
    ...(renegotiates ? ['lets clients renegotiate'] : []),
    ...(keyBits < (isRsa ? 2048 : 256) ? [`has a key of ${keyBits} bits`] : []),
    // Browsers refuse longer ones.
    ...(days > 825 ? [`has a certificate for ${Math.round(days)} days`] : []),
    ...(names.some((one) => /^(DNS|IP Address):./.test(one)) ? [] : ['has a certificate without names']),
  ];
}
