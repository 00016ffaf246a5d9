/** @param {string} id */
export const byId = (id) => document.getElementById(id);

/**
 * Makes an element. Text is text, never markup.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} properties `class`, `on…` listeners, and attributes
 * @param {...(Node | string | undefined)} children
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** A choice of one of the classes. */
export function classChoice(id, classes, chosen) {
  const options = classes.map((name) =>
    make('option', { value: name, selected: name === chosen }, name),
  );
  return make('select', { id }, ...options);
}

export function percent(share) {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '<\u00a00.1\u00a0%';
  if (value < 100 && value > 99.9) return '>\u00a099.9\u00a0%';
  return `${value.toFixed(1)}\u00a0%`;
}

export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Announces something to screen readers. */
export function say(text) {
  byId('live').textContent = text;
}

let toastTimer;

/** Shows a failure for a while. */
export function complain(error) {
  const toast = byId('toast');
  toast.textContent = error.message;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    toast.hidden = true;
  }, 8000);
}

/** Sends a request; what is not a success is thrown with the server's words. */
export async function ask(path, options = {}) {
  const answer = await fetch(path, options).catch(() => {
    throw new Error('The server does not answer. Is it still running?');
  });
  if (answer.ok) return answer;
  const document = await answer.json().catch(() => undefined);
  throw new Error(document?.error?.message ?? `The server answered ${answer.status}.`);
}

export async function askJson(path, options) {
  return (await ask(path, options)).json();
}

/** Sends JSON. */
export function postJson(path, document) {
  return askJson(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(document),
  });
}

/** Sends an image as it is. */
export function postImage(path, file) {
  const type = file.type.startsWith('image/') ? file.type : 'application/octet-stream';
  return ask(path, { method: 'POST', headers: { 'content-type': type }, body: file });
}
