// What the program tells of itself each second.

import { address } from './api.js';

/**
 * Calls `tell` with each figure the program pushes, and `state` with whether the line is up, until
 * `signal` is aborted. The browser opens a lost line again by itself.
 */
export function live(signal, tell, state = () => {}) {
  const source = new EventSource(address('api/live'));
  source.addEventListener('message', (event) => tell(JSON.parse(event.data)));
  source.addEventListener('open', () => state(true));
  source.addEventListener('error', () => state(false));
  signal.addEventListener('abort', () => source.close());
}
