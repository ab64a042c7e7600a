// Builds what a page shows. Text only ever becomes text: nothing here parses HTML.

const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'path', 'rect', 'line', 'g', 'text', 'title']);

/**
 * Makes an element. `tag` may carry classes (`div.card.wide`); a property that starts with `on` is
 * a listener, one that is `false`, `null` or `undefined` is left out, any other an attribute.
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = SVG_TAGS.has(name)
    ? document.createElementNS(SVG, name)
    : document.createElement(name);
  if (classes.length > 0) element.setAttribute('class', classes.join(' '));
  for (const [key, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'value' || key === 'checked') element[key] = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...nodes(children));
  return element;
}

/** Puts `children` in the place of what `element` has. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false);
}

let last = 0;

/** An id that no other element of the page has. */
export function freshId() {
  last += 1;
  return `id-${last}`;
}
