/** What the daemon hands to the gateway on standard input, as JSON. */
export interface GatewaySettings {
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
