// The frame around every view: the name, the ways to go, and light or dark.

import { h } from './dom.js';
import { start } from './router.js';

const THEMES = ['auto', 'light', 'dark'];

function theme() {
  const saved = localStorage.getItem('theme');
  return THEMES.includes(saved) ? saved : 'auto';
}

function wear(name) {
  if (name === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

function themeButton() {
  const label = () => `Theme: ${theme()}`;
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    localStorage.setItem('theme', next);
    wear(next);
    button.textContent = label();
  };
  const button = h('button.quiet', { type: 'button', id: 'theme', onclick: turn }, label());
  return button;
}

/** Puts up the frame of `product` with `links` (an address, a text, and where
 * else the address of a view below it begins) and starts `routes`. */
export function shell(product, role, links, routes) {
  wear(theme());
  const toggle = () => {
    const open = nav.classList.toggle('open');
    menu.setAttribute('aria-expanded', String(open));
  };
  const menu = h(
    'button.quiet.menu',
    { type: 'button', 'aria-expanded': 'false', 'aria-controls': 'nav', onclick: toggle },
    '☰',
    h('span.unseen', {}, 'Menu'),
  );
  const shut = () => nav.classList.contains('open') && toggle();
  const nav = h(
    'nav',
    { id: 'nav', 'aria-label': 'Pages', onclick: shut },
    links.map(([href, text, also]) => h('a', { href, 'data-also': also }, text)),
  );
  const main = h('main', { id: 'main', tabindex: '-1' });
  const skip = (event) => {
    event.preventDefault();
    main.focus();
  };
  document.body.append(
    h('a.skip', { href: '#main', onclick: skip }, 'Skip to the content'),
    h(
      'header',
      {},
      menu,
      h('a.name', { href: '#/' }, 'culvert'),
      h('span.badge.plain', {}, role),
      h('span.grow'),
      themeButton(),
    ),
    nav,
    main,
    h('div', { id: 'toasts', role: 'status', 'aria-live': 'polite' }),
  );
  return start(main, routes, product);
}
