/** The sources and destinations of rules: addresses, aliases, sets. */
import { type AddressRange, parseAddress } from './address.ts';

/** `dc` is the datacenter's document, `guest` the guest's own; without a scope the guest's own comes first. */
export type Scope = 'dc' | 'guest';

export type AddressPart =
  | { readonly kind: 'range'; readonly range: AddressRange }
  | { readonly kind: 'alias' | 'ipset'; readonly scope: Scope | undefined; readonly name: string };

const namePattern = /^(?:(dc|guest)\/)?([A-Za-z][\w-]+)$/;

/** The parts of `192.0.2.1,198.51.100.0/24`, `dc/office` or `+guest/blocked`. Throws an Error for anything else. */
export function splitAddresses(text: string): AddressPart[] {
  const parts = text.split(',').map(parsePart);
  if (parts.length > 1 && parts.some((part) => part.kind === 'ipset')) {
    throw new Error(`'${text}': an IP set stands alone; put the addresses into it`);
  }
  return parts;
}

function parsePart(text: string): AddressPart {
  const range = parseAddress(text);
  if (range) return { kind: 'range', range };
  const isSet = text.startsWith('+');
  const [, scope, name] = namePattern.exec(isSet ? text.slice(1) : text) ?? [];
  if (name === undefined) {
    throw new Error(`'${text}' is neither an address, a network, a range, an alias nor +IPSET`);
  }
  return { kind: isSet ? 'ipset' : 'alias', scope: scope as Scope | undefined, name };
}

/** The address, or the name of an alias, of an entry in a set. Throws an Error for anything else. */
export function parseSetAddress(text: string): AddressPart {
  const part = parsePart(text);
  if (part.kind === 'ipset' || (text.includes('-') && part.kind === 'range')) {
    throw new Error(`'${text}' cannot stand in an IP set: an address, a network or an alias can`);
  }
  return part;
}
