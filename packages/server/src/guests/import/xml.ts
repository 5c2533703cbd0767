/**
 * Reads the part of XML 1.0 that OVF descriptors use: elements, attributes, text, CDATA, comments, processing
 * instructions. A document type declaration is refused, so there are no entities to expand and no files to fetch, and
 * there are limits to size, depth and number. Linear in time. Namespaces are cut off: no two of OVF share a name here.
 */
import { RyokanError } from '@ryokan/api/errors.ts';

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
  readonly tag: string;
  readonly element: { name: string; attributes: Map<string, string>; children: XmlElement[]; text: string };
}

/** The document element. Throws RyokanError 'unsupported' with the line of what is wrong. */
export function parseXml(source: string): XmlElement {
  return new Reader(source.replace(/^\ufeff/, '')).document();
}

const nameStart = '[A-Za-z_\\u0080-\\uffff]';
const namePattern = `${nameStart}[A-Za-z0-9_.\\-\\u0080-\\uffff]*`;
const qualified = `(?:${namePattern}:)?${namePattern}`;

class Reader {
  private at = 0;
  private elements = 0;
  private readonly open: Open[] = [];
  private root: XmlElement | undefined;

  constructor(private readonly source: string) {}

  document(): XmlElement {
    if (this.source.length > longestDocument) throw this.wrong('it is too long');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this refuses
    if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(this.source)) throw this.wrong('it is no text');
    while (this.at < this.source.length) this.step();
    if (this.open.length > 0) throw this.wrong(`<${this.open.at(-1)?.tag}> has no end`);
    if (!this.root) throw this.wrong('it has no element');
    return this.root;
  }

  private step(): void {
    const { source } = this;
    if (source[this.at] !== '<') return this.characters();
    if (source.startsWith('<!--', this.at)) return void this.skipPast('<!--', '-->');
    if (source.startsWith('<?', this.at)) return void this.skipPast('<?', '?>');
    if (source.startsWith('<![CDATA[', this.at)) return this.append(this.skipPast('<![CDATA[', ']]>'));
    if (source.startsWith('<!', this.at)) throw this.wrong('a document type declaration is not allowed');
    if (source.startsWith('</', this.at)) return this.endTag();
    this.startTag();
  }

  private characters(): void {
    const next = this.source.indexOf('<', this.at);
    const end = next < 0 ? this.source.length : next;
    const text = this.source.slice(this.at, end);
    if (this.open.length === 0 && text.trim() !== '')
      throw this.wrong('there is text outside of all elements');
    this.append(this.decode(text));
    this.at = end;
  }

  private append(text: string): void {
    const current = this.open.at(-1);
    if (current) current.element.text += text;
  }

  /** What stands between two marks; goes on behind the second. */
  private skipPast(start: string, end: string): string {
    const close = this.source.indexOf(end, this.at + start.length);
    if (close < 0) throw this.wrong(`'${start}' has no end`);
    const content = this.source.slice(this.at + start.length, close);
    this.at = close + end.length;
    return content;
  }

  private match(pattern: string): RegExpExecArray | undefined {
    const expression = new RegExp(pattern, 'y');
    expression.lastIndex = this.at;
    const match = expression.exec(this.source);
    if (match) this.at = expression.lastIndex;
    return match ?? undefined;
  }

  private endTag(): void {
    const tag = this.match(`</(${qualified})[ \\t\\r\\n]*>`)?.[1];
    const current = this.open.pop();
    if (tag === undefined || current?.tag !== tag) throw this.wrong(`</${tag ?? ''}> ends nothing`);
    this.close(current.element);
  }

  private close(element: Open['element']): void {
    element.text = element.text.trim();
    const parent = this.open.at(-1);
    if (parent) parent.element.children.push(element);
    else if (this.root) throw this.wrong('there is more than one document element');
    else this.root = element;
  }

  private startTag(): void {
    const tag = this.match(`<(${qualified})`)?.[1];
    if (tag === undefined) throw this.wrong("'<' begins no tag");
    if (++this.elements > mostElements || this.open.length >= deepest)
      throw this.wrong('it has too many elements');
    const attributes = this.attributes();
    const element = { name: localName(tag), attributes, children: [], text: '' };
    const end = this.match('[ \\t\\r\\n]*(/?)>');
    if (!end) throw this.wrong(`the tag <${tag} is damaged`);
    if (end[1] === '/') this.close(element);
    else this.open.push({ tag, element });
  }

  private attributes(): Map<string, string> {
    const attributes = new Map<string, string>();
    for (let count = 0; ; count++) {
      const [, name, double, single] =
        this.match(`[ \\t\\r\\n]+(${qualified})[ \\t\\r\\n]*=[ \\t\\r\\n]*(?:"([^"<]*)"|'([^'<]*)')`) ?? [];
      if (name === undefined) return attributes;
      if (count >= mostAttributes) throw this.wrong('an element has too many attributes');
      const key = localName(name);
      if (!name.startsWith('xmlns') && !attributes.has(key))
        attributes.set(key, this.decode(double ?? single ?? ''));
    }
  }

  /** The five entities of XML itself, and characters by number. */
  private decode(text: string): string {
    return text.replace(/&([^;]{0,12};?)/g, (_whole, reference: string) => {
      const [, hex, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));$/.exec(reference) ?? [];
      const code = hex ? Number.parseInt(hex, 16) : Number(decimal ?? Number.NaN);
      const isCharacter = code >= 0x20 ? code <= 0x10ffff : [9, 10, 13].includes(code);
      const character = isCharacter ? String.fromCodePoint(code) : entities[reference];
      if (character === undefined) throw this.wrong(`'&${reference}' is no character`);
      return character;
    });
  }

  private wrong(problem: string): RyokanError {
    const line = this.source.slice(0, this.at).split('\n').length;
    return new RyokanError('unsupported', `the OVF descriptor cannot be read: line ${line}: ${problem}`);
  }
}

const entities: Readonly<Record<string, string>> = {
  'amp;': '&',
  'lt;': '<',
  'gt;': '>',
  'quot;': '"',
  'apos;': "'",
};

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
