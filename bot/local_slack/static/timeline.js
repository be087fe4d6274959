/** A scrolling list of messages that is painted anew without disturbing the rows that did not change. */
import { announcer } from "./announce.js";
import { dayName, sameDay } from "./dates.js";
import { h, icon } from "./dom.js";
import { keepingFocus, repainting } from "./focus.js";
import { groups, messageRow, threadLink } from "./message.js";
import { store } from "./store.js";

const NEAR_END = 80;
const BUTTONS = ".block-actions:hover, .accessory:hover";
// A finger points at nothing once it is lifted, though what it has touched stays "hovered".
const mouse = window.matchMedia("(hover: hover)");

export class Timeline {
  #rows = new Map(); // key → {node, signature, footer}
  #fresh = 0;
  #sticks = true; // whether the newest message is in sight and shall stay so
  #waits = false; // whether it goes on to the newest as soon as the pointer leaves the buttons
  #top = 0; // where the list was last scrolled to its end

  /** `inThread` lists a thread's messages: no day dividers, no links into threads. */
  constructor({ label, inThread = false, testid, onEarlier = null }) {
    this.inThread = inThread;
    // Not live itself: a card painted anew would be read out from its first word to its last.
    this.list = h("div", {
      class: "timeline-list",
      role: "log",
      "aria-live": "off",
      "aria-label": label,
      dataset: { testid },
    });
    this.news = announcer();
    this.earlier = onEarlier
      ? h(
          "button",
          { type: "button", class: "button earlier", hidden: true, on: { click: onEarlier } },
          "Show earlier messages",
        )
      : null;
    this.scroller = h(
      "div",
      {
        class: "timeline",
        tabindex: -1,
        on: {
          scroll: () => this.#scrolled(),
          pointerover: () => this.#moveOn(),
          pointerleave: () => this.#moveOn(),
        },
      },
      this.earlier,
      this.list,
    );
    this.jump = h(
      "button",
      { type: "button", class: "jump", hidden: true, on: { click: () => this.#leap() } },
      icon("down"),
      h("span", {}, "Latest"),
    );
    this.node = h("div", { class: "timeline-box" }, this.scroller, this.jump, this.news.node);
    const watch = new ResizeObserver(() => this.#stays() && this.toEnd());
    watch.observe(this.list);
    watch.observe(this.scroller);
  }

  /** Whether somebody has scrolled back since the end was last in sight; they stay where they are. */
  get #back() {
    return this.scroller.scrollTop < this.#top - 1;
  }

  /** Whether to follow the newest message. A scroll whose event has not come yet counts already. */
  #stays() {
    if (this.#back) this.#sticks = this.atEnd;
    return this.#sticks;
  }

  /** Whether the pointer rests on a button of a message: what it is about to press must not move. */
  get #pointed() {
    return mouse.matches && this.list.querySelector(BUTTONS) !== null;
  }

  /** Whether a menu of a message is open. */
  get #opened() {
    return this.list.querySelector('[aria-expanded="true"]') !== null;
  }

  #moveOn() {
    if (this.#back) this.#waits = false;
    if (!this.#waits || this.#pointed || this.#opened) return;
    this.#waits = false;
    this.toEnd();
  }

  clear() {
    this.#rows.clear();
    this.#waits = false;
    this.list.replaceChildren();
    this.#sticks = true;
    this.#top = 0;
    this.#fresh = 0;
  }

  /** Whether the newest message is in sight. */
  get atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }

  toEnd() {
    this.#sticks = true;
    this.#waits = false;
    this.#fresh = 0;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
    this.#showJump();
  }

  /** The button goes once it has been followed, so the focus stays with what it led to. */
  #leap() {
    this.toEnd();
    this.scroller.focus({ preventScroll: true });
  }

  #scrolled() {
    if (this.#back) this.#waits = false;
    this.#sticks = this.atEnd;
    if (this.#sticks) this.#fresh = 0;
    this.#showJump();
    if (this.#sticks) this.onEnd?.();
  }

  #showJump() {
    this.jump.hidden = this.#sticks;
    this.jump.lastChild.textContent = this.#fresh ? `${this.#fresh} new` : "Latest";
  }

  paint(channel, messages) {
    const newest = Number(this.list.lastElementChild?.dataset.ts);
    const fresh = messages.filter(({ ts }) => Number(ts) > newest);
    // Whoever has a card's menu open, or is about to press a button, keeps the card under the pointer.
    const held = fresh.length > 0 && (this.#opened || this.#pointed);
    const stays = this.#stays();
    if (held && stays) this.#waits = !this.#opened;
    this.#sticks = stays && !held;
    const wanted = this.#wanted(channel, messages);
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, { node }] of this.#rows) if (!keys.has(key)) this.#remove(key, node);
    wanted.forEach((one, index) => this.#place(one, index));
    if (this.#sticks) this.toEnd();
    else this.#fresh += fresh.length;
    this.#showJump();
    this.#moveOn();
    this.#announce(fresh.filter(({ user }) => user !== store.me));
  }

  #announce(messages) {
    const last = messages.at(-1);
    if (!last) return;
    const author = store.user(last.user);
    const name = author ? store.nameOf(author) : "Somebody";
    const words = this.#rows.get(last.ts)?.node.querySelector(".text, .blocks")?.textContent ?? "";
    this.news.say(messages.length > 1 ? `${messages.length} new messages, the last from ${name}` : `${name}: ${words}`);
  }

  /** A row that goes leaves the focus on the one before it. */
  #remove(key, node) {
    const focused = node.contains(document.activeElement);
    const near = node.previousElementSibling?.closest("[data-ts]") ?? this.scroller;
    node.remove();
    this.#rows.delete(key);
    if (focused) near.focus({ preventScroll: true });
  }

  #wanted(channel, messages) {
    const out = [];
    const threads = store.threads(channel);
    messages.forEach((message, index) => {
      const last = messages[index - 1];
      const newDay = !last || !sameDay(last.ts, message.ts);
      if (newDay && !this.inThread)
        out.push({ key: `day ${dayName(message.ts)}`, signature: "", make: () => dayLine(message.ts) });
      const grouped = !newDay && groups(last, message);
      const { reply_count, thread_ts, ...shown } = message;
      const replies = threads.get(message.ts) ?? [];
      out.push({
        key: message.ts,
        signature: JSON.stringify([shown, grouped, store.names, store.me]),
        make: () => messageRow(channel, message, { grouped, inThread: this.inThread }),
        footer: this.inThread ? null : () => threadLink(message, replies),
        // The minute is part of it, so that "5 minutes ago" grows older.
        count: `${replies.length} ${reply_count} ${thread_ts} ${Math.floor(Date.now() / 60_000)}`,
      });
    });
    return out;
  }

  #place({ key, signature, make, footer, count }, index) {
    let row = this.#rows.get(key);
    if (row?.signature !== signature) {
      const node = make();
      keepingFocus(row?.node, node);
      row = { node, signature };
      this.#rows.set(key, row);
    }
    if (footer && row.count !== count) {
      const slot = row.node.querySelector(".thread-slot");
      repainting(
        slot,
        () => slot?.replaceChildren(...footer()),
        () => row.node,
      );
      row.count = count;
    }
    if (this.list.children[index] !== row.node)
      this.list.insertBefore(row.node, this.list.children[index] ?? null);
  }
}

function dayLine(ts) {
  return h("div", { class: "day", role: "separator" }, h("span", {}, dayName(ts)));
}
