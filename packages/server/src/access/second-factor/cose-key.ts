/**
 * Public keys of security keys: authenticators give them as COSE (RFC 9052), the document has those on the curve P-256,
 * which nearly all are, in the shape of Proxmox VE, others as `{ "cose": "<base64url>" }`.
 */
import { isoCBOR } from '@simplewebauthn/server/helpers';

/** Labels and values of COSE keys: key type, algorithm, curve, coordinates. */
const label = { kty: 1, alg: 3, crv: -1, x: -2, y: -3 } as const;
const ec2 = 2;
const es256 = -7;
const p256 = 1;

interface P256Key {
  readonly type_: 'ES256';
  readonly key: {
    readonly EC_EC2: {
      readonly curve: 'SECP256R1';
      readonly x: readonly number[];
      readonly y: readonly number[];
    };
  };
}

export function storedKey(cose: Uint8Array): unknown {
  const map = isoCBOR.decodeFirst<Map<number, unknown>>(Uint8Array.from(cose));
  const [x, y] = [map.get(label.x), map.get(label.y)];
  const isP256 = map.get(label.alg) === es256 && map.get(label.crv) === p256;
  if (!isP256 || !(x instanceof Uint8Array) || !(y instanceof Uint8Array))
    return { cose: Buffer.from(cose).toString('base64url') };
  const key: P256Key = { type_: 'ES256', key: { EC_EC2: { curve: 'SECP256R1', x: [...x], y: [...y] } } };
  return key;
}

/** Throws an Error for a key in no known shape. */
export function coseKey(stored: unknown): Uint8Array<ArrayBuffer> {
  const { cose } = stored as { cose?: unknown };
  if (typeof cose === 'string') return Uint8Array.from(Buffer.from(cose, 'base64url'));
  const { x, y, curve } = (stored as Partial<P256Key>).key?.EC_EC2 ?? {};
  if (!x || !y || curve !== 'SECP256R1') throw new Error('the stored security key has an unknown shape');
  const map = new Map<number, number | Uint8Array<ArrayBuffer>>([
    [label.kty, ec2],
    [label.alg, es256],
    [label.crv, p256],
    [label.x, Uint8Array.from(x)],
    [label.y, Uint8Array.from(y)],
  ]);
  return isoCBOR.encode(map);
}
