/** Sections that the product keeps in a person's file, between the lines that Proxmox VE uses. */

const begin = '# --- BEGIN PVE ---';
const end = '# --- END PVE ---';

/** The text without the section, in two parts: before it and after it; undefined when there is none. */
function split(text: string): { readonly before: string; readonly after: string } | undefined {
  const lines = text.split(/(?<=\n)/);
  const from = lines.findIndex((line) => line.trimEnd() === begin);
  if (from < 0) return undefined;
  const length = lines.slice(from).findIndex((line) => line.trimEnd() === end);
  // A person who removed the last line has not given us the rest of the file.
  const to = length < 0 ? from : from + length;
  return { before: lines.slice(0, from).join(''), after: lines.slice(to + 1).join('') };
}

/** The lines between the marks; undefined when there is no section. */
export function section(text: string): string | undefined {
  const parts = split(text);
  if (!parts) return undefined;
  const inner = text.slice(parts.before.length, text.length - parts.after.length);
  return inner
    .split(/(?<=\n)/)
    .filter((line) => ![begin, end].includes(line.trimEnd()))
    .join('');
}

/** Changes what stands before and after the section. */
export function aroundSection(text: string, change: (part: string) => string): string {
  const parts = split(text);
  if (!parts) return change(text);
  const inner = text.slice(parts.before.length, text.length - parts.after.length);
  return change(parts.before) + inner + change(parts.after);
}

/** Puts `content` (lines, each with its end) into the section, which stays where it is; a new one goes to `place`. */
export function withSection(text: string, content: string, place: 'top' | 'bottom'): string {
  const block = content === '' ? '' : `${begin}\n${content}${end}\n`;
  const parts = split(text);
  if (parts) return parts.before + block + parts.after;
  if (place === 'top') return block + text;
  return text === '' || text.endsWith('\n') ? text + block : `${text}\n${block}`;
}
