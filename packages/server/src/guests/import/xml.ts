/**
 * OVF descriptors as a tree. The parser is strict and knows no entities beyond XML's own five; a document type
 * declaration is refused all the same, and there are limits to size, depth and number. Namespaces are cut off: no two
 * of OVF share a name here.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { SaxesParser } from 'saxes';

export interface XmlElement {
  /** Local name, without prefix. */
  readonly name: string;
  /** By local name. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** The text directly inside, blanks around it cut off. */
  readonly text: string;
}

/** Bytes of the largest descriptor that is read; those of real machines have some 20 KiB. */
export const longestDocument = 1024 * 1024;
const deepest = 100;
const mostElements = 20_000;
const mostAttributes = 100;

interface Open {
  readonly name: string;
  readonly attributes: Map<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/** The document element. Throws RyokanError 'unsupported' with the line of what is wrong. */
export function parseXml(source: string): XmlElement {
  const parser = new SaxesParser();
  const wrong = (problem: string) =>
    new RyokanError('unsupported', `the OVF descriptor cannot be read: line ${parser.line}: ${problem}`);
  if (source.length > longestDocument) throw wrong('it is too long');
  const open: Open[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  let attributes = new Map<string, string>();
  const append = (text: string) => {
    const current = open.at(-1);
    if (current) current.text += text;
  };
  parser.on('error', ({ message }) => {
    throw wrong(message.replace(/^[\d:]+ |\.$/g, ''));
  });
  parser.on('doctype', () => {
    throw wrong('a document type declaration is not allowed');
  });
  parser.on('opentagstart', () => {
    if (++elements > mostElements || open.length >= deepest) throw wrong('it has too many elements');
    attributes = new Map();
  });
  parser.on('attribute', ({ name, value }) => {
    if (attributes.size >= mostAttributes) throw wrong('an element has too many attributes');
    const key = localName(name);
    if (!name.startsWith('xmlns') && !attributes.has(key)) attributes.set(key, value);
  });
  parser.on('opentag', ({ name }) => {
    open.push({ name: localName(name), attributes, children: [], text: '' });
  });
  parser.on('text', append);
  parser.on('cdata', append);
  parser.on('closetag', () => {
    const element = open.pop() as Open;
    element.text = element.text.trim();
    const parent = open.at(-1);
    if (parent) parent.children.push(element);
    else root = element;
  });
  parser.write(source).close();
  // A document without an element was an error above.
  return root as unknown as XmlElement;
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

/** First child of that name. */
export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((one) => one.name === name);
}

/** All children of that name. */
export function children(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((one) => one.name === name) ?? [];
}

/** Text of the first child of that name, when there is some. */
export function childText(element: XmlElement | undefined, name: string): string | undefined {
  return child(element, name)?.text || undefined;
}

/** The first element of that name anywhere below. */
export function descendant(element: XmlElement | undefined, name: string): XmlElement | undefined {
  for (const one of element?.children ?? []) {
    const found = one.name === name ? one : descendant(one, name);
    if (found) return found;
  }
  return undefined;
}
