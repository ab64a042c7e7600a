// Asks the API of the program that served this page, wherever a proxy in front has put it.

/** The root of the program: this page lies in `static/` below it. */
const root = new URL('../', document.baseURI);

/** The program answered with an error, or not at all. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** A path of the API, each `{}` of it filled with one of `parts`, encoded. */
export function path(pattern, ...parts) {
  return pattern.replace(/\{\}/g, () => encodeURIComponent(parts.shift()));
}

/** Where `place` (`api/…`) is to be asked. */
export function address(place) {
  return new URL(place, root);
}

async function ask(method, place, body, type) {
  const headers = type ? { 'Content-Type': type } : {};
  let response;
  try {
    response = await fetch(address(place), { method, body, headers });
  } catch {
    throw new ApiError('The program does not answer.', 0);
  }
  const text = await response.text();
  const value = parsed(text);
  if (response.ok) return value;
  const said = value?.Msg ?? value?.msg ?? text.trim();
  throw new ApiError(said || `The program answered ${response.status}.`, response.status);
}

/** The value of a JSON text; another text as it is. */
function parsed(text) {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return text;
  }
}

export const get = (place) => ask('GET', place);
export const remove = (place) => ask('DELETE', place);
export const post = (place, value) => ask('POST', place, JSON.stringify(value), 'application/json');
export const put = (place, value) => ask('PUT', place, JSON.stringify(value), 'application/json');
export const putText = (place, text) => ask('PUT', place, text, 'text/plain');

/** The text at `place`, never read as JSON. */
export async function getText(place) {
  const response = await fetch(address(place));
  const text = await response.text();
  if (!response.ok) throw new ApiError(parsed(text)?.Msg ?? text.trim(), response.status);
  return text;
}

/** What is inside the envelope of the second API. */
export async function data(place, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value !== undefined);
  const search = new URLSearchParams(given).toString();
  return (await get(search ? `${place}?${search}` : place)).data;
}
