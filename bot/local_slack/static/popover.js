/** A menu or list of choices that hangs from a control: mouse, arrows, letters, Escape. */
import { freshId, h, icon } from "./dom.js";

let open = null;

/** Close the open popover, if any. */
export function closePopover() {
  open?.close();
}

/**
 * Show choices below `anchor`. `items` are `{value, label, description?, group?, href?}` with `label` a node or
 * text; `role` is "menu" or "listbox"; `filter` adds a search box; with `multi` the list stays open.
 * `onPick(item)` is called for each choice, `onClose()` once.
 */
export function openPopover(options) {
  const same = open?.anchor === options.anchor;
  closePopover();
  if (same) return;
  open = new Popover(options);
}

class Popover {
  #active = -1;
  #shown = [];
  #typed = "";
  #typedAt = 0;

  constructor({
    anchor,
    items,
    role = "listbox",
    label,
    filter = false,
    multi = false,
    isSelected = () => false,
    onPick,
    onClose,
  }) {
    Object.assign(this, { anchor, items, role, multi, isSelected, onPick, onClose });
    this.list = h("div", {
      role,
      id: freshId("list"),
      class: "popover-list",
      tabindex: -1,
      "aria-label": label,
      "aria-multiselectable": multi ? "true" : null,
    });
    this.search = filter
      ? h("input", {
          class: "popover-search",
          placeholder: "Search",
          "aria-label": `Search ${label ?? ""}`.trim(),
          role: "combobox",
          "aria-expanded": "true",
          "aria-controls": this.list.id,
          autocomplete: "off",
          spellcheck: "false",
        })
      : null;
    this.box = h("div", { class: "popover" }, this.search, this.list);
    this.keeper = this.search ?? this.list;
    this.keeper.addEventListener("keydown", (event) => this.#key(event));
    this.search?.addEventListener("input", () => this.#paint());
    // Inside a modal everything outside its dialog is inert, so the popover lives in the dialog.
    (anchor.closest("dialog") ?? document.body).append(this.box);
    anchor.setAttribute("aria-expanded", "true");
    this.#paint();
    this.#place();
    this.keeper.focus({ preventScroll: true });
    this.#listen();
  }

  #listen() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    const outside = (event) => !this.box.contains(event.target) && !this.anchor.contains(event.target);
    document.addEventListener("pointerdown", (event) => outside(event) && this.close(false), {
      capture: true,
      signal,
    });
    window.addEventListener("resize", () => this.#place(), { signal });
    document.addEventListener("scroll", (event) => outside(event) && this.#place(), {
      capture: true,
      signal,
    });
    this.box.addEventListener(
      "focusout",
      (event) => event.relatedTarget && outside({ target: event.relatedTarget }) && this.close(false),
      { signal },
    );
  }

  close(refocus = true) {
    if (open === this) open = null;
    this.stop?.abort();
    this.box.remove();
    this.anchor.setAttribute("aria-expanded", "false");
    if (refocus && this.anchor.isConnected) this.anchor.focus({ preventScroll: true });
    this.onClose?.();
  }

  #paint() {
    const words = (this.search?.value ?? "").trim().toLowerCase();
    this.#shown = this.items.filter((item) => textOf(item).toLowerCase().includes(words));
    let group = null;
    const rows = this.#shown.flatMap((item, index) => {
      const heading =
        item.group && item.group !== group
          ? h("div", { class: "popover-group", role: "presentation" }, item.group)
          : null;
      group = item.group;
      return [heading, this.#row(item, index)];
    });
    this.list.replaceChildren(
      ...(rows.length ? rows.filter(Boolean) : [h("div", { class: "popover-none" }, "Nothing found")]),
    );
    const selected = this.#shown.findIndex((item) => this.isSelected(item));
    this.#activate(
      this.#active >= 0 && this.#active < this.#shown.length ? this.#active : Math.max(selected, 0),
    );
  }

  #row(item, index) {
    const chosen = this.isSelected(item);
    const asMenu = this.role === "menu";
    const state = asMenu ? {} : { "aria-selected": String(chosen) };
    const tag = item.href ? "a" : "div";
    const target = item.href ? { href: item.href, target: "_blank", rel: "noopener noreferrer" } : {};
    return h(
      tag,
      {
        id: `${this.list.id}-${index}`,
        role: asMenu ? "menuitem" : "option",
        class: "popover-item",
        ...state,
        ...target,
        dataset: { value: item.value },
        on: { click: () => this.#pick(index), pointermove: () => this.#activate(index, false) },
      },
      item.lead,
      h(
        "span",
        { class: "popover-words" },
        h("span", {}, item.label),
        item.description ? h("span", { class: "popover-description" }, item.description) : null,
      ),
      !asMenu && chosen ? icon("check") : null,
    );
  }

  #pick(index) {
    const item = this.#shown[index];
    if (!item) return;
    if (this.multi) {
      this.onPick(item);
      this.#active = index;
      this.#paint();
      this.#place();
    } else {
      this.close();
      this.onPick(item);
    }
  }

  #activate(index, scroll = true) {
    if (!this.#shown.length) return;
    this.#active = (index + this.#shown.length) % this.#shown.length;
    this.list.querySelectorAll(".active").forEach((row) => row.classList.remove("active"));
    const row = this.list.querySelector(`#${this.list.id}-${this.#active}`);
    row.classList.add("active");
    if (scroll) row.scrollIntoView({ block: "nearest" });
    this.keeper.setAttribute("aria-activedescendant", row.id);
  }

  #key(event) {
    const moves = { ArrowDown: this.#active + 1, ArrowUp: this.#active - 1 };
    if (!this.search) Object.assign(moves, { Home: 0, End: this.#shown.length - 1 });
    if (event.key in moves) this.#activate(moves[event.key]);
    else if (event.key === "Enter" || (event.key === " " && !this.search))
      this.list.querySelector(".active")?.click();
    else if (event.key === "Escape") this.close();
    else if (event.key === "Tab") return this.close();
    else return this.search ? undefined : this.#typeahead(event);
    event.preventDefault();
    event.stopPropagation();
  }

  #typeahead(event) {
    if (event.key.length !== 1 || event.ctrlKey || event.metaKey) return;
    this.#typed = (event.timeStamp - this.#typedAt > 700 ? "" : this.#typed) + event.key.toLowerCase();
    this.#typedAt = event.timeStamp;
    const found = this.#shown.findIndex((item) => textOf(item).toLowerCase().startsWith(this.#typed));
    if (found >= 0) this.#activate(found);
  }

  #place() {
    if (!this.anchor.isConnected) return this.close(false);
    const gap = 4;
    const edge = 8;
    const at = this.anchor.getBoundingClientRect();
    this.box.style.minWidth = `${Math.min(Math.max(at.width, 180), 360)}px`;
    const below = window.innerHeight - at.bottom - gap - edge;
    const above = at.top - gap - edge;
    const up = below < Math.min(this.list.scrollHeight + 50, 240) && above > below;
    this.box.style.maxHeight = `${Math.min(up ? above : below, 380)}px`;
    const { width, height } = this.box.getBoundingClientRect();
    this.box.style.left = `${Math.max(edge, Math.min(at.left, window.innerWidth - width - edge))}px`;
    this.box.style.top = `${up ? at.top - gap - height : at.bottom + gap}px`;
  }
}

function textOf(item) {
  return item.text ?? (typeof item.label === "string" ? item.label : "");
}
