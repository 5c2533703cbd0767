/**
 * xterm.js writes its colours into `style` elements and style attributes, which the content security policy forbids, as
 * it forbids all inline styles. Here both become what the policy allows, because only a program can make it: style
 * sheets of the document, and styles set property by property. xterm.js has an option for a document of its own
 * (documentOverride), but makes its rows and its scroll bar by the page's.
 */
import type { Terminal } from '@xterm/xterm';

const create = Document.prototype.createElement;

/** An element that shows nothing; its text is a style sheet of the document for as long as it is not removed. */
function styleElement(): HTMLElement {
  const sheet = new CSSStyleSheet();
  const element: HTMLElement = create.call(document, 'template');
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(element, 'textContent', { set: (text: string) => sheet.replaceSync(text) });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    HTMLElement.prototype.remove.call(element);
  };
  return element;
}

/** Opens a terminal: all of its `style` elements are made meanwhile. */
export function openTerminal(terminal: Terminal, parent: HTMLElement): void {
  const createElement = (name: string) => (name === 'style' ? styleElement() : create.call(document, name));
  Object.defineProperty(document, 'createElement', { value: createElement, configurable: true });
  try {
    terminal.open(parent);
  } finally {
    Reflect.deleteProperty(document, 'createElement');
  }
}

/** Pieces of text have colours that are not of the palette as their style attribute. */
HTMLSpanElement.prototype.setAttribute = function (name, value) {
  if (name === 'style') this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
};
