/** The message box: text or a slash command, with suggestions for commands and people. */
import { inWords } from "./acting.js";
import { send } from "./client.js";
import { freshId, h, icon } from "./dom.js";
import { store } from "./store.js";

/**
 * A composer; `where()` says `{channel, thread_ts?}` at the moment of sending, and `onSent()` is called when what was
 * written is about to appear.
 */
export class Composer {
  #suggestions = [];
  #active = 0;

  constructor({ testid, where, label, onSent }) {
    this.where = where;
    this.onSent = onSent;
    const id = freshId("suggest");
    this.list = h("div", {
      class: "suggestions",
      role: "listbox",
      id,
      "aria-label": "Suggestions",
      hidden: true,
    });
    this.box = h("textarea", {
      class: "composer-text",
      rows: 1,
      dataset: { testid },
      "aria-label": label,
      "aria-autocomplete": "list",
      "aria-controls": id,
      autocomplete: "off",
    });
    this.button = h(
      "button",
      {
        type: "button",
        class: "send",
        "aria-label": "Send",
        title: "Send (Enter)",
        disabled: true,
        on: { click: () => this.submit() },
      },
      icon("send"),
    );
    this.notice = h("div", { class: "composer-notice", role: "alert", hidden: true });
    this.node = h(
      "div",
      { class: "composer" },
      this.notice,
      this.list,
      h("div", { class: "composer-frame" }, this.box, this.button),
    );
    this.box.addEventListener("input", () => {
      this.#say("");
      this.#typed();
    });
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("blur", () => this.#suggest([]));
  }

  setLabel(label) {
    this.box.placeholder = label;
    this.box.setAttribute("aria-label", label);
  }

  reset() {
    this.box.value = "";
    this.#typed();
    this.#say("");
  }

  async submit() {
    const text = this.box.value.trim();
    const where = this.where();
    if (!text || !where) return;
    this.#say("");
    this.box.value = "";
    this.#typed();
    this.box.focus();
    // A command may be mistyped: only its answer is worth leaving what one was reading.
    const command = text.startsWith("/");
    if (!command) this.onSent();
    const answer = await send("say", {
      user: store.me,
      ...where,
      text: command ? text : withMentions(text),
    });
    if (answer.ok) return command ? this.onSent() : undefined;
    this.#say(command ? failure(text, answer.error) : inWords(answer.error));
    if (!this.box.value) this.box.value = text;
    this.#typed();
  }

  #say(text) {
    this.notice.hidden = !text;
    this.notice.replaceChildren(...(text ? [icon("warning"), text] : []));
  }

  #typed() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 240)}px`;
    this.button.disabled = !this.box.value.trim();
    this.#suggest(document.activeElement === this.box ? suggestionsFor(this.box) : []);
  }

  #suggest(suggestions) {
    this.#suggestions = suggestions;
    this.#active = 0;
    this.list.hidden = !suggestions.length;
    this.list.replaceChildren(...suggestions.map((one, index) => this.#row(one, index)));
    this.#mark();
  }

  #row(one, index) {
    // mousedown, not click: a click would first take the focus from the box and close the list.
    const take = (event) => {
      event.preventDefault();
      this.#take(index);
    };
    return h(
      "div",
      { class: "suggestion", role: "option", id: `${this.list.id}-${index}`, on: { mousedown: take } },
      h("strong", {}, one.title),
      one.hint ? h("span", { class: "suggestion-hint" }, one.hint) : null,
      one.detail ? h("span", { class: "suggestion-detail" }, one.detail) : null,
    );
  }

  #mark() {
    [...this.list.children].forEach((row, index) =>
      row.setAttribute("aria-selected", String(index === this.#active)),
    );
    const row = this.list.children[this.#active];
    row?.scrollIntoView({ block: "nearest" });
    if (row) this.box.setAttribute("aria-activedescendant", row.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  #take(index) {
    const one = this.#suggestions[index];
    const end = this.box.selectionStart;
    const from = end - one.typed;
    this.box.setRangeText(`${one.insert} `, from, end, "end");
    this.#typed();
    this.#suggest([]);
  }

  #key(event) {
    if (event.isComposing) return;
    const many = this.#suggestions.length;
    if (many && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      this.#active = (this.#active + (event.key === "ArrowDown" ? 1 : many - 1)) % many;
      this.#mark();
    } else if (many && event.key === "Tab" && !event.shiftKey) this.#take(this.#active);
    else if (many && event.key === "Escape") this.#suggest([]);
    else if (event.key === "Enter" && !event.shiftKey) this.#enter(many);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Enter completes a half-typed name; a name that is complete, or a message, is sent. */
  #enter(many) {
    const one = many ? this.#suggestions[this.#active] : null;
    const typed = this.box.value.slice(this.box.selectionStart - (one?.typed ?? 0), this.box.selectionStart);
    if (one && typed !== one.insert) this.#take(this.#active);
    else this.submit();
  }
}

function failure(text, error) {
  const [command] = text.split(/\s/);
  return /\s/.test(error ?? "") ? error : `${command} failed: ${inWords(error)}`;
}

function suggestionsFor(box) {
  const before = box.value.slice(0, box.selectionStart);
  if (/^\/\S*$/.test(before)) return commands(before);
  const [, at] = before.match(/(?:^|\s)@([\p{L}\p{N}._-]*)$/u) ?? [];
  return at === undefined ? [] : people(at);
}

function commands(typed) {
  return store.boot.commands
    .filter(({ command }) => command.startsWith(typed))
    .map(({ command, usage_hint, description }) => ({
      title: command,
      hint: usage_hint,
      detail: description,
      insert: command,
      typed: typed.length,
    }));
}

function people(typed) {
  const words = typed.toLowerCase();
  const fits = (user) =>
    [user.name, ...store.nameOf(user).split(" ")].some((part) => part.toLowerCase().startsWith(words));
  return store.boot.users
    .filter((user) => !user.deleted && fits(user))
    .slice(0, 8)
    .map((user) => ({
      title: store.nameOf(user),
      detail: user.title || `@${user.name}`,
      insert: `@${user.name}`,
      typed: typed.length + 1,
    }));
}

/** @name becomes a mention that the app can read; everything else stays as typed. */
function withMentions(text) {
  return text.replace(/(^|\s)@([\p{L}\p{N}._-]+)/gu, (whole, space, name) => {
    const user = store.boot.users.find((one) => one.name === name);
    return user ? `${space}<@${user.id}>` : whole;
  });
}
