// SPDX-License-Identifier: LGPL-2.1-or-later
// What the server is asked, and what it tells by itself.

export class ApiError extends Error {
  constructor (status, text) {
    super (text);
    this.status = status;
  }
}

const askForToken = async () => {
  const dialog = document.getElementById ('login'), form = dialog.querySelector ('form');
  if (dialog.open)
    return;
  dialog.showModal ();
  form.onsubmit = async (event) => {
    event.preventDefault ();
    try {
      await ask ('POST', 'api/session', { token: form.elements.token.value });
      location.reload ();
    } catch (error) {
      form.querySelector ('.error').textContent = error.message;
    }
  };
};

export async function ask (method, path, body) {
  const options = { method, cache: 'no-store' };
  if (body !== undefined) {
    options.body = JSON.stringify (body);
    options.headers = { 'Content-Type': 'application/json' };
  }
  const answer = await fetch (path, options);
  if (answer.ok)
    return answer.status === 204 ? null : answer.json ();
  const text = await answer.json ().then ((json) => json.error, () => answer.statusText);
  if (answer.status === 401 && path !== 'api/session')
    askForToken ();
  throw new ApiError (answer.status, text);
}

export const streamPath = (name) => `api/streams/${encodeURIComponent (name)}`;

// Calls @tell soon after something happened, however much it was.
export function listen (tell) {
  const source = new EventSource ('api/events/live');
  let waiting = null;
  const later = () => {
    waiting ??= setTimeout (() => {
      waiting = null;
      tell ();
    }, 200);
  };
  for (const what of ['raised', 'cleared', 'acknowledged', 'state'])
    source.addEventListener (what, later);
  source.addEventListener ('open', later);
  return () => {
    source.close ();
    clearTimeout (waiting);
  };
}
