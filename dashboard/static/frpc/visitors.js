// The visitors of the store.

import { store } from './store.js';

export async function visitors() {
  return { title: 'Visitors', body: await store('visitor', 'visitors') };
}
