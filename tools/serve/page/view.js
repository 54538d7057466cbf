// SPDX-License-Identifier: LGPL-2.1-or-later
// Pieces that both views are made of.

// An element: its attributes, and what is in it. Text stays text.
export function make (name, attributes = {}, ...children) {
  const svg = ['svg', 'rect', 'title'].includes (name);
  const element = svg ? document.createElementNS ('http://www.w3.org/2000/svg', name)
                      : document.createElement (name);
  for (const [key, value] of Object.entries (attributes))
    if (key.startsWith ('on'))
      element.addEventListener (key.slice (2), value);
    else if (value !== null && value !== false)
      element.setAttribute (key, value === true ? '' : value);
  element.append (...children.filter ((child) => child !== null));
  return element;
}

// Sets the text only where it is another one: screen readers tell what changes.
export function setText (element, text) {
  if (element.textContent !== text)
    element.textContent = text;
}

export function duration (ms) {
  const s = Math.max (0, Math.round (ms / 1000));
  if (s < 60)
    return `${s} s`;
  if (s < 3600)
    return `${Math.floor (s / 60)} min ${s % 60} s`;
  if (s < 86400)
    return `${Math.floor (s / 3600)} h ${Math.floor (s / 60) % 60} min`;
  return `${Math.floor (s / 86400)} d ${Math.floor (s / 3600) % 24} h`;
}

export const since = (time) => duration (Date.now () - Date.parse (time));
export const clock = (time) => new Date (time).toLocaleString ();
export const percent = (score) => (score === null ? '' : `${Math.round (score * 100)} %`);

// A colour for each label, the same everywhere.
export function colorOf (event) {
  let hash = 0;
  for (const letter of event.label)
    hash = (hash * 31 + letter.codePointAt (0)) % 360;
  return event.alarm ? '#d1242f' : `hsl(${150 + hash / 3} 45% 48%)`;
}

// The last hours: a rectangle for each event. @choose is called with the one that was clicked.
export function drawTimeline (svg, events, hours, choose) {
  const now = Date.now (), span = hours * 3600e3, begin = now - span;
  const rects = events.filter ((event) => !event.region).map ((event) => {
    const from = Math.max (Date.parse (event.start), begin);
    const to = event.end ? Date.parse (event.end) : now;
    const rect = make ('rect', {
      x: (from - begin) / span * 1000, y: event.alarm ? 0 : 5, height: event.alarm ? 20 : 10,
      width: Math.max ((to - from) / span * 1000, 1.5), fill: colorOf (event),
    }, make ('title', {}, `${event.label}, ${clock (event.start)}`));
    if (choose)
      rect.addEventListener ('click', () => choose (event));
    return rect;
  });
  const alarms = events.filter ((event) => event.alarm).length;
  svg.replaceChildren (...rects);
  svg.setAttribute ('aria-label', `The last ${hours} hours: ${events.length} events, ${alarms} alarms`);
}

export const makeTimeline = (large) => make ('svg', {
  class: `timeline${large ? ' large' : ''}`, viewBox: '0 0 1000 20', preserveAspectRatio: 'none', role: 'img',
});
