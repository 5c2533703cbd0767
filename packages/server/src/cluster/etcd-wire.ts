/**
 * The parts of etcd's v3 API in its JSON form that the store uses (etcd documentation, "gRPC gateway"): keys and values
 * are base64, 64-bit numbers are strings, and fields that are zero or empty are left out.
 */

export interface Header {
  readonly cluster_id?: string;
  /** Of the whole key space, when the answer was made. */
  readonly revision?: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision?: string;
}

/** The keys from `key` up to, but without, `range_end`; only `key` when there is none. */
export interface Range {
  readonly key: string;
  readonly range_end?: string;
}

export interface RangeRequest extends Range {
  readonly limit?: string;
  readonly revision?: string;
  /** Answered by the member that is asked, without a majority. */
  readonly serializable?: boolean;
  readonly keys_only?: boolean;
  readonly count_only?: boolean;
  readonly sort_target?: 'MOD';
  readonly sort_order?: 'DESCEND';
}

export interface RangeResponse {
  readonly header?: Header;
  readonly kvs?: readonly KeyValue[];
  readonly more?: boolean;
}

export interface Compare {
  readonly key: string;
  readonly target: 'MOD' | 'CREATE';
  readonly result: 'EQUAL' | 'LESS';
  readonly mod_revision?: string;
  readonly create_revision?: string;
}

export type RequestOperation =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: { readonly key: string; readonly value: string } }
  | { readonly request_delete_range: Range };

export interface TransactionRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOperation[];
  readonly failure: readonly RequestOperation[];
}

export interface TransactionResponse {
  readonly header?: Header;
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly response_range?: RangeResponse }[];
}

export interface WatchRequest {
  readonly create_request: Range & {
    readonly start_revision: string;
    /** An answer without events now and then, so that the revision to go on from does not grow old. */
    readonly progress_notify: true;
    /** Large answers come in several parts, all but the last with `fragment`. */
    readonly fragment: true;
  };
}

export interface WatchResponse {
  readonly header?: Header;
  readonly created?: boolean;
  readonly canceled?: boolean;
  /** When cancelled because events are gone from the server: it has them only from here on. */
  readonly compact_revision?: string;
  readonly cancel_reason?: string;
  readonly fragment?: boolean;
  readonly events?: readonly { readonly type?: 'DELETE'; readonly kv?: KeyValue }[];
}

/** A line of a streamed answer. */
export interface StreamLine {
  readonly result?: WatchResponse;
  readonly error?: { readonly message?: string; readonly grpc_code?: number };
}

/** gRPC status codes (grpc.io, "Status codes") that make a difference here. */
export const grpcCode = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  outOfRange: 11,
  unavailable: 14,
} as const;

export function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

export function decode(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString();
}

export function toNumber(value: string | undefined): number {
  return Number(value ?? 0);
}

/** All keys that start with `prefix`, which ends in an ASCII character. */
export function keysUnder(prefix: string): Required<Range> {
  const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
  return { key: encode(prefix), range_end: encode(end) };
}
