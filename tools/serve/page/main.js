// SPDX-License-Identifier: LGPL-2.1-or-later
// Which view is shown, and when it asks again.
import { listen } from './api.js';
import { StreamView } from './stream.js';
import { setText } from './view.js';
import { Wall } from './wall.js';

const EVERY = 3000;
const main = document.getElementById ('main');
let view = null;

async function update () {
  if (document.hidden)
    return;
  try {
    await view.update ();
  } catch (error) {
    if (error.status === 404)
      location.hash = '#/';
    else
      setText (document.getElementById ('summary'), `The server does not answer: ${error.message}`);
  }
}

function show () {
  const found = location.hash.match (/^#\/stream\/(.+)$/);
  view?.close ();
  view = found ? new StreamView (main, decodeURIComponent (found[1])) : new Wall (main);
  update ();
}

window.addEventListener ('hashchange', () => {
  if (!location.hash.startsWith ('#/') && location.hash)
    return;
  show ();
  main.focus ();
});
document.addEventListener ('visibilitychange', update);
show ();
listen (update);
setInterval (update, EVERY);
