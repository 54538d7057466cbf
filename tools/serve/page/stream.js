// SPDX-License-Identifier: LGPL-2.1-or-later
// One stream: its picture, what happened, its regions and settings.
import { ask, streamPath } from './api.js';
import { Regions } from './regions.js';
import { clock, drawTimeline, duration, make, makeTimeline, percent, setText, since } from './view.js';

const HOURS = 12;
const settings = { rate: 'frames a second', detect: 'detect, s', recover: 'recover, s', threshold: 'threshold', alarms: 'alarms' };

export class StreamView {
  constructor (main, name) {
    this.name = name;
    this.path = streamPath (name);
    this.image = make ('img', { alt: `Picture of ${name}` });
    this.svg = make ('svg', { viewBox: '0 0 1 1', preserveAspectRatio: 'none', 'aria-label': 'Regions', role: 'img' });
    this.state = make ('span', { class: 'state' });
    this.label = make ('p', { class: 'label', role: 'status' });
    this.reason = make ('p', { class: 'reason' });
    this.seen = make ('ul', {});
    this.timeline = makeTimeline (true);
    this.chosen = make ('div', {});
    this.rows = make ('tbody');
    this.regions = new Regions (this.svg, (regions) => this.change ({ regions: regions || null }));
    this.fields = Object.entries (settings).map (([key, text]) => make ('label', {}, text, make ('input', { name: key })));
    this.form = make ('form', { class: 'settings', onsubmit: (event) => this.submit (event) }, ...this.fields,
      make ('button', { class: 'main' }, 'Change'));
    this.error = make ('p', { class: 'error', role: 'alert' });
    this.example = make ('form', { class: 'settings', hidden: '', onsubmit: (event) => this.keepExample (event) },
      make ('label', {}, 'this picture shows', make ('input', { name: 'label', required: '', maxlength: '64' })),
      make ('button', {}, 'Keep as an example'));
    this.kept = make ('p', { role: 'status', class: 'faint' });
    main.replaceChildren (
      make ('p', {}, make ('a', { href: '#/' }, '← All streams')),
      make ('div', { class: 'columns' },
        make ('section', { 'aria-label': 'Picture' },
          make ('div', { class: 'row' }, make ('h2', {}, name), this.state),
          make ('div', { class: 'stage' }, this.image, this.svg),
          this.label, this.reason, this.seen, this.example, this.kept,
          make ('h3', {}, `The last ${HOURS} hours`), this.timeline, this.chosen),
        make ('section', { 'aria-label': 'Events and settings' },
          make ('h3', {}, 'Events'),
          make ('div', { class: 'scroll' }, make ('table', {}, make ('thead', {}, make ('tr', {},
            ...['', 'Label', 'Since', 'For', ''].map ((text) => make ('th', { scope: 'col' }, text)))), this.rows)),
          make ('h3', {}, 'Regions'), this.regions.element,
          make ('h3', {}, 'Settings'), this.form, this.error,
          make ('p', {}, make ('button', { id: 'remove', onclick: () => this.remove () }, 'Remove this stream')))));
  }

  close () {
    this.image.removeAttribute ('src'); // the pictures end with it
  }

  async change (body) {
    this.show (await ask ('PATCH', this.path, body));
  }

  async submit (event) {
    event.preventDefault ();
    this.error.textContent = '';
    const body = {};
    for (const key of Object.keys (settings))
      body[key] = this.form.elements[key].value || null;
    try {
      await this.change (body);
    } catch (problem) {
      this.error.textContent = problem.message;
    }
  }

  async keepExample (event) {
    event.preventDefault ();
    try {
      const { label, file } = await ask ('POST', `${this.path}/examples`, { label: this.example.elements.label.value });
      setText (this.kept, `Kept as an example of ${label}: ${file}`);
    } catch (problem) {
      setText (this.kept, problem.message);
    }
  }

  async remove () {
    const button = document.getElementById ('remove');
    if (button.dataset.sure) {
      await ask ('DELETE', this.path);
      location.hash = '#/';
      return;
    }
    button.dataset.sure = 'yes';
    button.textContent = 'Really remove it?';
  }

  show (stream) {
    this.state.className = `state ${stream.state}`;
    setText (this.state, `${stream.state} for ${since (stream.since)}`);
    setText (this.label, stream.label ? `${stream.label} ${percent (stream.score)} for ${since (stream.label_since)}` : '–');
    setText (this.reason, stream.reason ?? '');
    this.seen.replaceChildren (...stream.seen_regions.map ((region) =>
      make ('li', {}, `${region.region}: ${region.label} ${percent (region.score)}`)));
    if (stream.state === 'playing' && stream.settings.uri !== 'push:' && !this.image.getAttribute ('src'))
      this.image.src = `${this.path}/live.mjpeg?width=960&t=${Date.now ()}`;
    else if (stream.state !== 'playing')
      this.image.removeAttribute ('src');
    this.example.hidden = !stream.takes_examples;
    if (this.loaded)
      return;
    this.loaded = true;
    this.regions.load (stream.settings.regions);
    for (const key of Object.keys (settings))
      this.form.elements[key].value = stream.settings[key] ?? '';
  }

  choose (event) {
    this.chosen.replaceChildren (
      make ('p', {}, `${event.label}, ${clock (event.start)}`),
      event.snapshot ? make ('img', { src: `api/events/${event.id}/snapshot.jpg`, alt: `Picture of ${event.label}`, class: 'chosen' })
                     : make ('p', { class: 'faint' }, 'There is no picture of it.'));
  }

  row (event) {
    const end = event.end ? Date.parse (event.end) : Date.now ();
    return make ('tr', { class: event.alarm ? 'alarm' : null },
      make ('td', {}, event.snapshot ? make ('img', { src: `api/events/${event.id}/snapshot.jpg`, alt: '', loading: 'lazy' }) : ''),
      make ('td', { class: 'label' }, event.region ? `${event.region}: ${event.label}` : event.label),
      make ('td', {}, clock (event.start)),
      make ('td', {}, `${duration (end - Date.parse (event.start))}${event.end ? '' : ' …'}`),
      make ('td', {}, event.alarm && !event.acknowledged
        ? make ('button', { 'aria-label': `Acknowledge ${event.label}`,
                            onclick: () => ask ('POST', `api/events/${event.id}/acknowledge`) }, 'Acknowledge') : ''));
  }

  async update () {
    const after = Math.floor (Date.now () / 1000 - HOURS * 3600);
    const [stream, { events }] = await Promise.all ([
      ask ('GET', this.path),
      ask ('GET', `api/events?newest=1&limit=500&after=${after}&stream=${encodeURIComponent (this.name)}`)]);
    this.show (stream);
    drawTimeline (this.timeline, events, HOURS, (event) => this.choose (event));
    const state = JSON.stringify (events.slice (0, 20));
    if (state === this.lastRows)
      return;
    this.lastRows = state;
    this.rows.replaceChildren (...events.slice (0, 20).map ((event) => this.row (event)));
  }
}
