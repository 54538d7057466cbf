// SPDX-License-Identifier: LGPL-2.1-or-later
// Named rectangles: drawn with the mouse or a finger on the picture, or typed.
import { make } from './view.js';

const parse = (text) => (text ?? '').split (';').filter ((part) => part.includes ('=')).map ((part) => {
  const [name, numbers] = part.split ('=');
  return { name: name.trim (), place: numbers.split (',').map ((number) => number.trim ()) };
});

const write = (regions) => regions.map (({ name, place }) => `${name}=${place.join (',')}`).join (';');

const short = (number) => String (Math.round (number * 1000) / 1000);

export class Regions {
  // @save is called with the text of all regions.
  constructor (svg, save) {
    this.svg = svg;
    this.save = save;
    this.list = [];
    this.rows = make ('tbody');
    this.error = make ('p', { class: 'error', role: 'alert' });
    this.element = make ('div', {},
      make ('p', { class: 'faint' }, 'Draw a rectangle on the picture, or type one, in shares of the picture.'),
      make ('div', { class: 'scroll' }, make ('table', {},
        make ('thead', {}, make ('tr', {}, ...['Name', 'x', 'y', 'width', 'height', ''].map ((text) => make ('th', { scope: 'col' }, text)))),
        this.rows)),
      this.error,
      make ('p', { class: 'buttons' },
        make ('button', { onclick: () => this.add ([0, 0, 0.5, 0.5].map (String)) }, 'Add a region'),
        make ('button', { class: 'main', id: 'save-regions', onclick: () => this.send () }, 'Save the regions')));
    svg.addEventListener ('pointerdown', (event) => this.begin (event));
  }

  load (text) {
    this.list = parse (text);
    this.show ();
  }

  point (event) {
    const box = this.svg.getBoundingClientRect ();
    const share = (at, from, size) => Math.min (1, Math.max (0, (at - from) / size));
    return [share (event.clientX, box.left, box.width), share (event.clientY, box.top, box.height)];
  }

  begin (event) {
    const [x, y] = this.point (event), rect = make ('rect');
    const place = (to) => [Math.min (x, to[0]), Math.min (y, to[1]), Math.abs (x - to[0]), Math.abs (y - to[1])];
    this.svg.append (rect);
    this.svg.setPointerCapture (event.pointerId);
    this.svg.onpointermove = (moved) => this.put (rect, place (this.point (moved)));
    this.svg.onpointerup = (ended) => {
      const found = place (this.point (ended));
      this.svg.onpointermove = this.svg.onpointerup = null;
      rect.remove ();
      if (found[2] > 0.01 && found[3] > 0.01)
        this.add (found.map (short));
    };
  }

  put (rect, [x, y, width, height]) {
    for (const [name, value] of Object.entries ({ x, y, width, height }))
      rect.setAttribute (name, value);
  }

  add (place) {
    let number = this.list.length + 1;
    while (this.list.some ((region) => region.name === `region-${number}`))
      number++;
    this.list.push ({ name: `region-${number}`, place });
    this.show ();
    this.rows.lastElementChild.querySelector ('input').select ();
  }

  show () {
    this.svg.replaceChildren (...this.list.filter ((region) => region.place.every ((number) => !number.includes ('px')))
      .map ((region) => {
        const rect = make ('rect', {}, make ('title', {}, region.name));
        this.put (rect, region.place);
        return rect;
      }));
    this.rows.replaceChildren (...this.list.map ((region, i) => make ('tr', {},
      make ('td', {}, make ('input', { class: 'name', value: region.name, 'aria-label': 'Name of the region',
        onchange: (event) => { region.name = event.target.value; } })),
      ...['x', 'y', 'width', 'height'].map ((what, p) => make ('td', {}, make ('input', {
        value: region.place[p], inputmode: 'decimal', 'aria-label': `${what} of ${region.name}`,
        onchange: (event) => { region.place[p] = event.target.value; this.show (); } }))),
      make ('td', {}, make ('button', { 'aria-label': `Remove ${region.name}`,
        onclick: () => { this.list.splice (i, 1); this.show (); } }, '✕')))));
  }

  async send () {
    this.error.textContent = '';
    try {
      await this.save (write (this.list));
    } catch (problem) {
      this.error.textContent = problem.message;
    }
  }
}
