/**
 * The file /etc/network/interfaces as interfaces(5) describes it: parsed into stanzas, changed, and written again so
 * that everything a person or another program put there stays: comments, blank lines, unknown options, their order and
 * indentation. A line changes only when its value does.
 */

/** One line of a stanza's body, or a line between stanzas. */
interface Line {
  /** As in the file; a line continued by `\` holds its newlines. */
  text: string;
  /** For option lines: key and value, blanks around removed and continuations joined. */
  option?: { readonly key: string; readonly value: string };
}

/** Stanzas that define an interface. The others only list names or files. */
export interface IfaceStanza {
  readonly kind: 'iface';
  /** Name, and `inet` or `inet6` with the method (`static`, `dhcp`, `manual`, `loopback`, …). */
  readonly name: string;
  readonly family: string;
  readonly method: string;
}

export interface ListStanza {
  /** `auto`, `allow-hotplug` and other `allow-` classes, `no-auto-down`, `no-scripts`, `source`, `source-directory`. */
  readonly kind: 'list';
  readonly keyword: string;
  readonly words: readonly string[];
}

/** A line that begins with no known keyword; kept and reported. */
export interface UnknownStanza {
  readonly kind: 'unknown';
}

/** `mapping` scripts and `template` lines: kept as they are. */
export interface OtherStanza {
  readonly kind: 'mapping' | 'rename' | 'template';
}

export type Stanza = IfaceStanza | ListStanza | OtherStanza | UnknownStanza;

interface Entry {
  stanza: Stanza;
  /** Blank lines and comments above it. */
  lead: Line[];
  head: Line;
  body: Line[];
}

const listKeywords = /^(auto|allow-\S+|no-auto-down|no-scripts|source|source-directory|source-dir)$/;

/** What a person should look at: the text could not be understood there. */
export interface Problem {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

export class InterfacesFile {
  readonly problems: readonly Problem[];
  private readonly entries: Entry[];
  /** Lines behind the last stanza; the empty one at the end is what closes the file with a newline. */
  private tail: Line[];

  private constructor(entries: Entry[], tail: Line[], problems: Problem[]) {
    this.entries = entries;
    this.tail = tail;
    this.problems = problems;
  }

  /** Never throws: what is not understood is kept and named in `problems`. */
  static parse(text: string): InterfacesFile {
    const entries: Entry[] = [];
    const problems: Problem[] = [];
    let idle: Line[] = [];
    let number = 1;
    for (const line of logicalLines(text)) {
      const words = wordsOf(line.text);
      const stanza = stanzaOf(words);
      const current = entries.at(-1);
      if (words.length === 0) idle.push(line);
      else if (!stanza && current && takesOptions(current.stanza)) {
        current.body.push(...idle, withOption(line));
        idle = [];
      } else {
        if (!stanza) problems.push({ line: number, text: line.text.trim() });
        current?.body.push(...ownComments(current.stanza, idle));
        entries.push({ stanza: stanza ?? { kind: 'unknown' }, lead: idle, head: line, body: [] });
        idle = [];
      }
      number += line.text.split('\n').length;
    }
    const last = entries.at(-1);
    last?.body.push(...ownComments(last.stanza, idle));
    return new InterfacesFile(entries, idle, problems);
  }

  /** The file's text; exactly what was parsed when nothing was changed. */
  toString(): string {
    const lines = this.entries.flatMap((entry) => [...entry.lead, entry.head, ...entry.body]);
    return [...lines, ...this.tail].map((line) => line.text).join('\n');
  }

  stanzas(): Stanza[] {
    return this.entries.map((entry) => entry.stanza);
  }

  /** Interface definitions, of one interface when a name is given: it can have one a family and more. */
  ifaces(name?: string): IfaceStanza[] {
    return this.stanzas()
      .filter((stanza) => stanza.kind === 'iface')
      .filter((stanza) => name === undefined || stanza.name === name);
  }

  /** Values of an option of a stanza, in order; options such as `up` and `address` may stand several times. */
  values(stanza: IfaceStanza, key: string): string[] {
    return this.options(stanza)
      .filter((option) => option.key === key)
      .map((option) => option.value);
  }

  /** All options of a stanza in order. */
  options(stanza: IfaceStanza): Array<{ key: string; value: string }> {
    return this.entryOf(stanza).body.flatMap((line) => (line.option ? [{ ...line.option }] : []));
  }

  /**
   * Sets an option to these values, or removes it with none. Lines whose value stays are not touched; new lines come
   * after the last line of that option, else after the last option, indented like it.
   */
  setValues(stanza: IfaceStanza, key: string, values: readonly string[]): void {
    const { body } = this.entryOf(stanza);
    const present = body.filter((line) => line.option?.key === key);
    const kept = present.slice(0, values.length);
    kept.forEach((line, index) => {
      if (line.option?.value !== values[index]) replaceValue(line, key, values[index] ?? '');
    });
    for (const line of present.slice(values.length)) body.splice(body.indexOf(line), 1);
    const last = kept.at(-1) ?? body.findLast((line) => line.option !== undefined);
    const indentation = /^[ \t]*/.exec(last?.text ?? '\t')?.[0] ?? '\t';
    const added = values.slice(kept.length).map((value) => optionLine(indentation, key, value));
    body.splice(last ? body.indexOf(last) + 1 : 0, 0, ...added);
  }

  /** Names that come up at boot (`auto`, `allow-auto`). */
  autoNames(): string[] {
    return this.entries.flatMap(({ stanza }) =>
      stanza.kind === 'list' && isAuto(stanza.keyword) ? stanza.words : [],
    );
  }

  /** Makes an interface come up at boot, or not. */
  setAuto(name: string, on: boolean): void {
    if (on === this.autoNames().includes(name)) return;
    if (on) {
      const entry: Entry = {
        stanza: { kind: 'list', keyword: 'auto', words: [name] },
        lead: [],
        head: { text: `auto ${name}` },
        body: [],
      };
      const defined = this.entries.find(({ stanza }) => stanza.kind === 'iface' && stanza.name === name);
      // Above its definition, below the comments that speak of it.
      if (defined) [entry.lead, defined.lead] = [defined.lead, []];
      this.entries.splice(defined ? this.entries.indexOf(defined) : this.entries.length, 0, entry);
      return;
    }
    for (const entry of [...this.entries]) {
      const { stanza } = entry;
      if (stanza.kind !== 'list' || !isAuto(stanza.keyword) || !stanza.words.includes(name)) continue;
      const words = stanza.words.filter((word) => word !== name);
      if (words.length === 0) this.removeEntry(entry);
      else {
        entry.stanza = { ...stanza, words };
        entry.head.text = [stanza.keyword, ...words].join(' ');
      }
    }
  }

  /** Adds a definition at the end, below a blank line. `options` in order. */
  addIface(
    stanza: Omit<IfaceStanza, 'kind'>,
    options: ReadonlyArray<readonly [string, string]>,
  ): IfaceStanza {
    const added: IfaceStanza = { kind: 'iface', ...stanza };
    const head = { text: `iface ${stanza.name} ${stanza.family} ${stanza.method}` };
    const body = options.map(([key, value]) => optionLine('\t', key, value));
    // What stood at the end of the file is above it now, closed by one blank line.
    const lead = [...this.tail];
    while (lead.length > 0 && lead.at(-1)?.text.trim() === '') lead.pop();
    if (this.entries.length > 0 || lead.length > 0) lead.push({ text: '' });
    this.entries.push({ stanza: added, lead, head, body });
    this.tail = [{ text: '' }];
    return added;
  }

  /** Removes a definition. Comments directly above it belong to it and go along. */
  removeIface(stanza: IfaceStanza): void {
    this.removeEntry(this.entryOf(stanza));
  }

  private entryOf(stanza: Stanza): Entry {
    const entry = this.entries.find((one) => one.stanza === stanza);
    if (!entry) throw new Error('this stanza is not part of the file');
    return entry;
  }

  /** Takes the comments directly above it along; what a blank line separates from it stays. */
  private removeEntry(entry: Entry): void {
    const index = this.entries.indexOf(entry);
    const below = this.entries[index + 1]?.lead ?? this.tail;
    const separator = entry.lead.findLastIndex((line) => line.text.trim() === '');
    const staying = entry.lead.slice(0, separator + 1);
    // One separation is enough where two met.
    const blankBelow = below[0] !== undefined && below[0].text.trim() === '';
    if (blankBelow && staying.at(-1)?.text.trim() === '') staying.pop();
    below.unshift(...staying);
    this.entries.splice(index, 1);
  }
}

/**
 * Takes from the lines behind a stanza's last option the comments that belong to it: those up to a blank line. Without
 * a blank line they speak of what comes next. The rest stays in `idle`.
 */
function ownComments(stanza: Stanza, idle: Line[]): Line[] {
  const blank = idle.findIndex((line) => line.text.trim() === '');
  return takesOptions(stanza) && blank > 0 ? idle.splice(0, blank) : [];
}

function isAuto(keyword: string): boolean {
  return keyword === 'auto' || keyword === 'allow-auto';
}

function takesOptions(stanza: Stanza): boolean {
  return stanza.kind !== 'list' && stanza.kind !== 'unknown';
}

function stanzaOf(words: readonly string[]): Stanza | undefined {
  const [keyword, name, family, method] = words;
  if (keyword === undefined) return undefined;
  if (listKeywords.test(keyword)) return { kind: 'list', keyword, words: words.slice(1) };
  if (keyword === 'iface' && name !== undefined) {
    // ifupdown2 allows a bare `iface name`.
    return { kind: 'iface', name, family: family ?? 'inet', method: method ?? 'manual' };
  }
  if (keyword === 'mapping' || keyword === 'rename' || keyword === 'template') return { kind: keyword };
  return undefined;
}

/** Joins a line that ends in a backslash with the next ones; comments cannot be continued. */
function logicalLines(text: string): Line[] {
  const lines: Line[] = [];
  let open: Line | undefined;
  for (const part of text.split('\n')) {
    if (open) open.text += `\n${part}`;
    else lines.push({ text: part });
    const current = lines.at(-1);
    const comment = current?.text.trimStart().startsWith('#');
    open = part.endsWith('\\') && !comment ? current : undefined;
  }
  return lines;
}

/** The words of a logical line; none for blank lines and comments. */
function wordsOf(text: string): string[] {
  const joined = text.replace(/\\\n/g, ' ').trim();
  return joined === '' || joined.startsWith('#') ? [] : joined.split(/\s+/);
}

function withOption(line: Line): Line {
  const joined = line.text.replace(/\s*\\\n\s*/g, ' ').trim();
  const [, key = '', value = ''] = /^(\S+)\s*([\s\S]*)$/.exec(joined) ?? [];
  return { ...line, option: { key, value } };
}

function optionLine(indentation: string, key: string, value: string): Line {
  return { text: `${indentation}${key} ${value}`, option: { key, value } };
}

/** Keeps the blanks in front of and behind the key. */
function replaceValue(line: Line, key: string, value: string): void {
  const head = /^\s*\S+[ \t]*/.exec(line.text)?.[0] ?? `\t${key} `;
  line.text = `${/[ \t]$/.test(head) ? head : `${head} `}${value}`;
  line.option = { key, value };
}
