/** What the daemon hands to the gateway on standard input, as the first line of JSON. */
export interface GatewaySettings extends GatewayChange {
  readonly node: string;
  readonly listen: string;
  readonly port: number;
  readonly cert: string;
  readonly key: string;
  /** The daemon's socket for calls, and the one for consoles. */
  readonly socket: string;
  readonly relaySocket: string;
  /** Folder that takes uploads; the gateway's user owns it. */
  readonly spool: string;
  /** Folder with the built Web UI. */
  readonly webRoot: string;
}

/** What may change while the gateway runs: each later line. */
export interface GatewayChange {
  /** Seconds for which browsers shall insist on TLS (RFC 6797); 0 makes them forget, without it they are told nothing. */
  readonly hsts?: number;
}
