/** TLS on the public port: 1.2 and 1.3, with forward secrecy and authenticated encryption only. */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

export const tlsRules: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  // The list counts for 1.2; all of 1.3 is good.
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
  // Renegotiation costs the server more than the client, and nobody needs it.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
};
