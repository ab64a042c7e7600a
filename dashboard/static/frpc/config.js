// The configuration file, to read, change and load.

import { get, getText, putText } from './api.js';
import { h } from './dom.js';
import { guard } from './router.js';
import { attempt, confirm } from './ui.js';

export async function config() {
  let saved = await getText('api/config');
  const text = h('textarea.file', { 'aria-label': 'The configuration file', spellcheck: 'false' });
  text.value = saved;
  const load = async () => {
    const sure = await confirm('Write this file and load it into the running client?', 'Update & Reload');
    if (!sure) return;
    await attempt(async () => {
      await putText('api/config', text.value);
      saved = text.value;
      await get('api/reload');
    }, 'The configuration is loaded.');
  };
  const again = () =>
    attempt(async () => {
      saved = await getText('api/config');
      text.value = saved;
    }, 'The file is read again.');
  guard(() => text.value !== saved);
  const body = [
    h(
      'div.row',
      {},
      h('button.first', { type: 'button', onclick: load }, 'Update & Reload'),
      h('button', { type: 'button', onclick: again }, 'Read again'),
    ),
    text,
    h('p.hint', {}, 'A file that is wrong changes nothing; the message says what is wrong with it.'),
  ];
  return { title: 'Configuration', body };
}
