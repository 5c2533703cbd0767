/**
 * The document that a terminal makes its elements with. xterm.js writes its colours and sizes into <style> elements, which
 * the content security policy forbids; style sheets that a script has made are allowed. So the text of such an element
 * goes into one of those.
 */
export function terminalDocument(): Document {
  return new Proxy(document, {
    get(target, key) {
      if (key === 'createElement') return (name: string) => createElement(target, name);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function createElement(target: Document, name: string): HTMLElement {
  const element = target.createElement(name);
  if (name !== 'style') return element;
  const sheet = new CSSStyleSheet();
  target.adoptedStyleSheets = [...target.adoptedStyleSheets, sheet];
  Object.defineProperty(element, 'textContent', {
    get: () => '',
    set: (text: string) => sheet.replaceSync(text),
  });
  element.remove = () => {
    target.adoptedStyleSheets = target.adoptedStyleSheets.filter((one) => one !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
