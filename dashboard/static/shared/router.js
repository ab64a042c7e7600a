// Shows the view that the part of the address after `#` names.

import { fill, h } from './dom.js';
import { confirm, failure } from './ui.js';

const unchanged = () => false;
let changed = unchanged;
let shown = '';

/** Guards the view on show: while `test` answers true, leaving it has to be confirmed. */
export function guard(test) {
  changed = test;
}

/** Goes to another view without asking the guard. */
export function go(hash) {
  changed = unchanged;
  location.hash = hash;
}

/**
 * Starts the router. `routes` are pairs of a pattern (`#/clients/{}`) and a view: a function that is
 * given the variables and a signal that is aborted when the view is left, and answers
 * `{title, body}` or a promise of it.
 */
export function start(main, routes, product) {
  let stop = new AbortController();
  const show = async () => {
    const hash = location.hash || '#/';
    if (hash === shown) return;
    if (changed() && !(await confirm('Leave without saving what you changed?', 'Leave'))) {
      history.replaceState(null, '', shown);
      return;
    }
    changed = unchanged;
    shown = hash;
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    const [view, variables] = find(routes, hash.split('?')[0]);
    main.setAttribute('aria-busy', 'true');
    try {
      const { title, body } = await view(...variables, signal);
      if (signal.aborted) return;
      document.title = `${title} · ${product}`;
      fill(main, h('h1', {}, title), body);
    } catch (error) {
      if (signal.aborted) return;
      document.title = product;
      fill(main, h('h1', {}, 'This page cannot be shown'), failure(error, show));
      shown = '';
    }
    main.removeAttribute('aria-busy');
    main.focus({ preventScroll: true });
    window.scrollTo(0, 0);
    mark(hash);
  };
  window.addEventListener('hashchange', show);
  window.addEventListener('beforeunload', (event) => changed() && event.preventDefault());
  return show();
}

function find(routes, hash) {
  for (const [pattern, view] of routes) {
    const form = new RegExp(`^${pattern.replace(/\{\}/g, '([^/]+)')}$`);
    const match = form.exec(hash);
    if (match) return [view, match.slice(1).map(decodeURIComponent)];
  }
  return [() => ({ title: 'No such page', body: h('a', { href: '#/' }, 'To the first page') }), []];
}

/** Marks the link of the navigation that leads to the view on show. */
function mark(hash) {
  for (const link of document.querySelectorAll('nav a')) {
    const target = link.getAttribute('href');
    const below = [target, link.dataset.also].filter((place) => place && place !== '#/');
    const current = hash === target || below.some((place) => hash.startsWith(place));
    if (current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}
