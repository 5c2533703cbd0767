/** Builds QEMU's argument list: `-device driver,key=value` with its escaping, JSON where QEMU takes it. */
import type { JsonObject } from './qmp-client.ts';

export type OptionValue = string | number | boolean | undefined;

/**
 * Takes the parts of a device in the order in which QEMU must get them. The command line is one, the plan of a device
 * that is plugged in while the guest runs (hotplug/plan.ts) another: a device is described once and looks the same in both.
 */
export interface DeviceSink {
  device(driver: string, properties: Record<string, OptionValue>): void;
  object(type: string, id: string, properties?: JsonObject): void;
  blockdev(node: JsonObject): void;
  netdev(type: string, properties: Record<string, OptionValue>): void;
}

export class Arguments implements DeviceSink {
  readonly list: string[] = [];

  add(...args: string[]): void {
    this.list.push(...args);
  }

  /** `-device virtio-net-pci,netdev=net0,mac=…`; undefined values are left out. */
  device(driver: string, properties: Record<string, OptionValue>): void {
    this.add('-device', optionText(driver, properties));
  }

  chardev(backend: string, properties: Record<string, OptionValue>): void {
    this.add('-chardev', optionText(backend, properties));
  }

  /** A character device that others reach as a Unix socket, one client at a time; the guest does not wait for one. */
  socketChardev(id: string, path: string): void {
    this.chardev('socket', { id, path, server: true, wait: false });
  }

  /** `-object {"qom-type":…,"id":…}` */
  object(type: string, id: string, properties: JsonObject = {}): void {
    this.add('-object', JSON.stringify({ 'qom-type': type, id, ...properties }));
  }

  blockdev(node: JsonObject): void {
    this.add('-blockdev', JSON.stringify(node));
  }

  netdev(type: string, properties: Record<string, OptionValue>): void {
    this.add('-netdev', optionText(type, properties));
  }
}

/** `head,key=value,…` in QEMU's notation: booleans are on and off, a comma inside a value is doubled. */
export function optionText(head: string, properties: Record<string, OptionValue>): string {
  const parts = [head];
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    const text = value === true ? 'on' : value === false ? 'off' : String(value);
    parts.push(`${key}=${text.replaceAll(',', ',,')}`);
  }
  return parts.filter(Boolean).join(',');
}

/**
 * Splits the configuration's `args` the way people write them: blanks separate, quotes and backslashes keep together.
 * Undefined when a quote is not closed.
 */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  const token = /\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)\s*/sy;
  let end = 0;
  while (end < text.trimEnd().length) {
    token.lastIndex = end;
    const match = token.exec(text);
    if (!match) return undefined;
    end = token.lastIndex;
    words.push(unquote(match[1] ?? ''));
  }
  return words;
}

function unquote(word: string): string {
  return word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs, (_all, double, single, escaped) => {
    if (double !== undefined) return String(double).replace(/\\(["\\$`])/g, '$1');
    return String(single ?? escaped);
  });
}
