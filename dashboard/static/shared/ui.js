// The pieces that views are made of.

import { fill, freshId, h } from './dom.js';

/** Says something in passing, also to a screen reader; errors stay until they are put away. */
export function toast(text, kind = 'good') {
  const close = h('button.quiet', { type: 'button', 'aria-label': 'Close this message' }, '×');
  const note = h('div.toast', { class: `toast ${kind}` }, h('span', {}, text), close);
  close.addEventListener('click', () => note.remove());
  document.getElementById('toasts').append(note);
  if (kind === 'good') setTimeout(() => note.remove(), 4000);
}

/** Does something that may fail, and says so if it does; answers whether it went well. */
export async function attempt(work, done) {
  try {
    await work();
    if (done) toast(done);
    return true;
  } catch (error) {
    toast(error.message, 'bad');
    return false;
  }
}

/** Asks before something that cannot be taken back; resolves to whether it may be done. */
export function confirm(question, action) {
  return new Promise((resolve) => {
    const title = freshId();
    const answer = (value) => () => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const dialog = h(
      'dialog',
      { 'aria-labelledby': title, oncancel: answer(false) },
      h('p', { id: title }, question),
      h(
        'div.row.end',
        {},
        h('button', { type: 'button', onclick: answer(false) }, 'Cancel'),
        h('button.danger', { type: 'button', onclick: answer(true) }, action),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A figure with its name; a link where `href` is given. */
export function figure(name, value, href) {
  const inside = [h('dt', {}, name), h('dd', {}, value)];
  return h('div.figure', {}, href ? h('a', { href }, ...inside) : inside);
}

/** A state, as a coloured word. */
export function badge(text) {
  const kinds = {
    online: 'good', running: 'good', offline: 'off', closed: 'off', disabled: 'off',
    'start error': 'bad', 'check failed': 'bad', up: 'good', down: 'bad', silent: 'bad',
  };
  return h('span', { class: `badge ${kinds[text] ?? 'plain'}` }, text);
}

/** Names and values, those without a value left out. */
export function facts(pairs) {
  const given = pairs.filter(([, value]) => value !== undefined && value !== '' && value !== null);
  return h('dl.facts', {}, given.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

/** A part of a page with a heading. */
export function section(title, ...children) {
  const id = freshId();
  return h('section.panel', { 'aria-labelledby': id }, h('h2', { id }, title), ...children);
}

/** Choices of which one holds; `choose` is called with the new one. */
export function tabs(name, choices, current, choose) {
  const buttons = choices.map(([value, text]) => {
    const select = () => {
      for (const b of buttons) b.setAttribute('aria-pressed', String(b === button));
      choose(value);
    };
    const button = h(
      'button',
      { type: 'button', 'aria-pressed': String(value === current), onclick: select },
      text,
    );
    return button;
  });
  return h('div.tabs', { role: 'group', 'aria-label': name }, buttons);
}

/** A field to search with; `search` is called when typing pauses. */
export function searchField(label, search) {
  let timer = 0;
  const later = (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => search(event.target.value.trim()), 200);
  };
  return h('input', { type: 'search', placeholder: label, 'aria-label': label, oninput: later });
}

/** A list that fits any width: one row for each of `items`. */
export function rows(label, items, row, none) {
  if (items.length === 0) return h('p.none', {}, none);
  return h('ul.rows', { 'aria-label': label }, items.map((item) => h('li', {}, row(item))));
}

const SIZES = [10, 20, 50, 100];

/**
 * A list that the program pages. `load({page, pageSize})` answers `{total, items}`. The result has
 * the element and `again()`, which loads it anew (from the first page if `first`).
 */
export function paged(label, load, row, none) {
  let page = 1;
  let pageSize = 20;
  let asked = 0;
  const body = h('div', { 'aria-live': 'polite' });
  const again = async (first = false) => {
    if (first) page = 1;
    asked += 1;
    const mine = asked;
    try {
      const { total, items } = await load({ page, pageSize });
      if (mine === asked) fill(body, rows(label, items, row, none), pager(total));
    } catch (error) {
      if (mine === asked) fill(body, failure(error, again));
    }
  };
  const turn = (by) => () => {
    page += by;
    again();
  };
  const pager = (total) => {
    const pages = Math.max(1, Math.ceil(total / pageSize));
    const size = h(
      'select',
      {
        'aria-label': 'Rows on a page',
        onchange: (event) => {
          pageSize = Number(event.target.value);
          again(true);
        },
      },
      SIZES.map((n) => h('option', { value: String(n), selected: n === pageSize }, `${n} on a page`)),
    );
    return h(
      'div.row.pager',
      {},
      h('span', {}, `${total} in all`),
      h('button', { type: 'button', disabled: page <= 1, onclick: turn(-1) }, 'Previous'),
      h('span', {}, `page ${page} of ${pages}`),
      h('button', { type: 'button', disabled: page >= pages, onclick: turn(1) }, 'Next'),
      size,
    );
  };
  return { element: body, again };
}

/** Says that something failed, with a way to try again. */
export function failure(error, again) {
  const retry = h('button', { type: 'button', onclick: () => again() }, 'Try again');
  return h('div.panel.bad', { role: 'alert' }, h('p', {}, error.message), retry);
}

/** Calls `work` every so many seconds while the page is looked at, until `signal` is aborted. */
export function every(seconds, signal, work) {
  const timer = setInterval(() => document.hidden || work(), seconds * 1000);
  signal.addEventListener('abort', () => clearInterval(timer));
}
