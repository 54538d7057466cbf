// SPDX-License-Identifier: LGPL-2.1-or-later
// All streams beside each other, those with alarms first.
import { ask, streamPath } from './api.js';
import { clock, drawTimeline, make, makeTimeline, percent, setText, since } from './view.js';

const HOURS = 3, PICTURE_EVERY = 2000;

const orders = {
  alarm: (a, b) => b.alarm - a.alarm || (a.state === 'playing') - (b.state === 'playing'),
  name: () => 0,
  since: (a, b) => Date.parse (b.label_since ?? b.since) - Date.parse (a.label_since ?? a.since),
};

class Card {
  constructor (name) {
    this.name = name;
    this.visible = false;
    this.image = make ('img', { alt: '', hidden: true });
    this.none = make ('span', {}, 'no picture');
    this.state = make ('span', {});
    this.label = make ('span', { class: 'label' });
    this.score = make ('span', { class: 'faint' });
    this.reason = make ('p', { class: 'reason' });
    this.timeline = makeTimeline (false);
    this.acknowledge = make ('button', { hidden: true, onclick: () => this.acknowledgeAll () }, 'Acknowledge');
    this.element = make ('li', { class: 'card', 'data-name': name },
      make ('a', { class: 'picture', href: `#/stream/${encodeURIComponent (name)}`, tabindex: -1, 'aria-hidden': 'true' },
        this.none, this.image),
      make ('div', { class: 'text' },
        make ('div', { class: 'row' },
          make ('h2', {}, make ('a', { href: `#/stream/${encodeURIComponent (name)}` }, name)), this.state),
        make ('div', { class: 'row' }, this.label, this.score),
        this.reason, this.timeline, this.acknowledge));
    this.image.onload = () => { this.image.hidden = false; };
    this.image.onerror = () => { this.image.hidden = true; };
  }

  async acknowledgeAll () {
    for (const event of this.open)
      await ask ('POST', `api/events/${event.id}/acknowledge`);
  }

  update (stream, events) {
    this.stream = stream;
    this.open = events.filter ((event) => event.alarm && !event.end && !event.acknowledged);
    this.element.classList.toggle ('alarm', this.open.length > 0);
    this.acknowledge.hidden = this.open.length === 0;
    this.acknowledge.setAttribute ('aria-label', `Acknowledge the alarm of ${this.name}`);
    this.state.className = `state ${stream.state}`;
    setText (this.state, stream.state);
    setText (this.label, stream.label ?? '–');
    setText (this.score, stream.label ? `${percent (stream.score)} · for ${since (stream.label_since)}` : '');
    setText (this.reason, stream.reason ?? (this.open.length ? `Alarm: ${this.open.map ((event) => event.label).join (', ')}` : ''));
    drawTimeline (this.timeline, events, HOURS);
    this.timeline.setAttribute ('title', stream.label_since ? clock (stream.label_since) : '');
  }

  refresh () {
    if (this.visible && this.stream?.state === 'playing' && this.stream.settings.uri !== 'push:')
      this.image.src = `${streamPath (this.name)}/snapshot.jpg?width=320&t=${Date.now ()}`;
    else if (this.stream?.state !== 'playing')
      this.image.hidden = true;
  }
}

export class Wall {
  constructor (main) {
    this.cards = new Map ();
    this.filter = make ('input', { type: 'search', oninput: () => this.arrange () });
    this.order = make ('select', { onchange: () => this.arrange () },
      make ('option', { value: 'alarm' }, 'alarms first'), make ('option', { value: 'name' }, 'name'),
      make ('option', { value: 'since' }, 'last change'));
    this.list = make ('ul', { class: 'wall' });
    this.empty = make ('p', { class: 'faint' }, 'There are no streams yet.');
    main.replaceChildren (
      make ('div', { class: 'bar' },
        make ('label', {}, 'Filter', this.filter), make ('label', {}, 'Sort by', this.order),
        make ('button', { class: 'main end', id: 'add-stream', onclick: () => this.add () }, 'Add a stream')),
      this.empty, this.list);
    this.watcher = new IntersectionObserver ((entries) => {
      for (const entry of entries) {
        const card = this.cards.get (entry.target.dataset.name);
        if (card)
          card.visible = entry.isIntersecting;
      }
    });
    this.timer = setInterval (() => this.refresh (), PICTURE_EVERY);
  }

  close () {
    clearInterval (this.timer);
    this.watcher.disconnect ();
  }

  refresh () {
    if (!document.hidden)
      for (const card of this.cards.values ())
        card.refresh ();
  }

  async update () {
    const after = Math.floor (Date.now () / 1000 - HOURS * 3600);
    const [{ streams }, { events }] = await Promise.all ([
      ask ('GET', 'api/streams'), ask ('GET', `api/events?newest=1&limit=1000&after=${after}`)]);
    const names = new Set (streams.map ((stream) => stream.name));
    for (const [name, card] of this.cards)
      if (!names.has (name)) {
        this.watcher.unobserve (card.element);
        card.element.remove ();
        this.cards.delete (name);
      }
    const byStream = Map.groupBy ? Map.groupBy (events, (event) => event.stream) : new Map ();
    for (const stream of streams) {
      let card = this.cards.get (stream.name);
      if (!card) {
        card = new Card (stream.name);
        this.cards.set (stream.name, card);
        this.watcher.observe (card.element);
      }
      card.update (stream, byStream.get (stream.name) ?? []);
    }
    this.arrange ();
    const alarms = streams.filter ((stream) => stream.alarm).length;
    setText (document.getElementById ('summary'),
      `${streams.length} stream${streams.length === 1 ? '' : 's'}, ${alarms} alarm${alarms === 1 ? '' : 's'}`);
    document.title = alarms ? `(${alarms}) effvk` : 'effvk';
  }

  // Moves cards only where their order is another one, so that the focus stays.
  arrange () {
    const words = this.filter.value.toLowerCase ();
    const cards = [...this.cards.values ()].filter ((card) => card.stream);
    cards.sort ((a, b) => orders[this.order.value] (a.stream, b.stream) || a.name.localeCompare (b.name));
    cards.forEach ((card, i) => {
      if (this.list.children[i] !== card.element)
        this.list.insertBefore (card.element, this.list.children[i] ?? null);
      const text = `${card.name} ${card.stream.label} ${card.stream.state}`.toLowerCase ();
      card.element.hidden = !text.includes (words);
    });
    this.empty.hidden = cards.length > 0;
  }

  add () {
    const dialog = document.getElementById ('add'), form = dialog.querySelector ('form');
    const error = form.querySelector ('.error');
    form.reset ();
    error.textContent = '';
    form.querySelector ('[value=cancel]').onclick = () => dialog.close ();
    form.onsubmit = async (event) => {
      event.preventDefault ();
      try {
        await ask ('POST', 'api/streams', { name: form.elements.name.value, uri: form.elements.uri.value });
        dialog.close ();
        await this.update ();
      } catch (problem) {
        error.textContent = problem.message;
      }
    };
    dialog.showModal ();
  }
}
