/** Modals: a stack of views of which the top one is shown in a dialog. */
import { act, inWords } from "./acting.js";
import { renderBlocks } from "./blocks.js";
import { send } from "./client.js";
import { h, icon } from "./dom.js";
import { keepingFocus, remembered } from "./focus.js";
import { FormState } from "./form.js";
import { closePopover } from "./popover.js";
import { store } from "./store.js";
import { words } from "./text.js";

class Modals {
  #stack = []; // [{view, form}], the last one is on top
  #dialog = null;
  #back = null; // gives the focus back to what opened the dialog

  /** An event of the server about views. */
  receive(event) {
    if (event.type === "view_opened") this.#stack = [entry(event.view)];
    else if (event.type === "view_pushed") this.#stack.push(entry(event.view));
    else if (event.type === "view_closed")
      this.#stack = this.#stack.filter(({ view }) => view.id !== event.view_id);
    else if (event.type === "view_updated") {
      const known = this.#stack.find(({ view }) => view.id === event.view.id);
      if (!known) return;
      known.form.keep();
      known.view = event.view;
    }
    this.#paint();
  }

  /** Leave every modal: the cross was clicked, or another person takes the chair. */
  leave() {
    if (this.#stack.length)
      send("close", { user: store.me, view_id: this.#stack.at(-1).view.id, clear: true });
    this.#stack = [];
    this.#paint();
  }

  #paint() {
    closePopover();
    const top = this.#stack.at(-1);
    if (!top) return this.#hide();
    const fresh = this.#dialog?.dataset.viewId !== top.view.id;
    if (!this.#dialog) this.#show();
    const scrolled = this.#dialog.querySelector(".modal-body")?.scrollTop ?? 0;
    this.#dialog.dataset.viewId = top.view.id;
    this.#dialog.setAttribute("aria-label", words(top.view.title));
    const content = this.#content(top);
    const old = this.#dialog.firstChild;
    if (old && fresh) old.replaceWith(content);
    else if (old) repaintForm(old, content, top.view);
    else this.#dialog.append(content);
    if (fresh) focusFirst(content, top.view);
    else content.querySelector(".modal-body").scrollTop = scrolled;
  }

  #show() {
    this.#back = remembered();
    this.#dialog = h("dialog", { class: "dialog modal", dataset: { testid: "modal" } });
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#pop();
    });
    document.body.append(this.#dialog);
    this.#dialog.showModal();
  }

  #hide() {
    if (!this.#dialog) return;
    this.#dialog.close();
    this.#dialog.remove();
    this.#dialog = null;
    this.#back();
  }

  #pop() {
    const top = this.#stack.pop();
    if (top) send("close", { user: store.me, view_id: top.view.id, clear: false });
    this.#paint();
  }

  #content(top) {
    const { view, form } = top;
    form.begin();
    const surface = {
      form,
      act: (blockId, action, node) =>
        act({ where: { view_id: view.id }, blockId, action, values: form.values(), node }),
    };
    const back =
      this.#stack.length > 1
        ? h(
            "button",
            { type: "button", class: "tool", "aria-label": "Back", on: { click: () => this.#pop() } },
            icon("back"),
          )
        : null;
    const shut = h(
      "button",
      { type: "button", class: "tool", "aria-label": "Close", on: { click: () => this.leave() } },
      icon("close"),
    );
    const cancel = h(
      "button",
      {
        type: "button",
        class: "button",
        dataset: { testid: "modal-close" },
        on: { click: () => this.#pop() },
      },
      words(view.close) || "Close",
    );
    const submit = view.submit
      ? h(
          "button",
          { type: "submit", class: "button primary", dataset: { testid: "modal-submit" } },
          words(view.submit),
        )
      : null;
    const body = h("div", { class: "modal-body view", tabindex: -1 }, renderBlocks(view.blocks, surface));
    const node = h(
      "form",
      { class: "modal-form", novalidate: true },
      h("header", { class: "modal-head" }, back, h("h2", {}, words(view.title)), shut),
      body,
      h("footer", { class: "dialog-foot" }, h("div", { class: "form-error", role: "alert" }), cancel, submit),
    );
    node.addEventListener("submit", (event) => {
      event.preventDefault();
      if (submit) this.#submit(top, node, submit);
    });
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) node.requestSubmit();
    });
    return node;
  }

  async #submit({ view, form }, node, button) {
    if (button.getAttribute("aria-busy") === "true") return;
    showErrors(node, {});
    button.setAttribute("aria-busy", "true");
    const answer = await send("submit", { user: store.me, view_id: view.id, values: form.values() });
    button.removeAttribute("aria-busy");
    if (!answer.ok)
      showErrors(
        node,
        answer.errors ?? {},
        answer.errors ? "" : `${inWords(answer.error)} Please try again.`,
      );
  }
}

function entry(view) {
  return { view, form: new FormState() };
}

/** A form painted again keeps the focus where it was, or on its first field where that has gone. */
function repaintForm(old, content, view) {
  const focused = old.contains(document.activeElement);
  keepingFocus(old, content);
  if (focused && !content.contains(document.activeElement)) focusFirst(content, view);
}

const FIELDS = "input, textarea, select, .block-input button";

function focusFirst(content, view) {
  const wanted = view.blocks?.find((block) => block.element?.focus_on_load)?.block_id;
  const field =
    (wanted && content.querySelector(`[data-block="${CSS.escape(wanted)}"] :is(${FIELDS})`)) ||
    content.querySelector(`.modal-body :is(${FIELDS})`);
  // What has no field is there to be read: a second Enter must not submit it, and the arrows scroll.
  (field ?? content.querySelector(".modal-body")).focus();
}

/** Put each error under its input, and go to the first of them; `general` stands beside the buttons. */
function showErrors(form, errors, general = "") {
  form.querySelectorAll(".field-error").forEach((error) => error.remove());
  form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  const lost = [];
  let first = null;
  for (const [blockId, text] of Object.entries(errors)) {
    const block = form.querySelector(`[data-block="${CSS.escape(blockId)}"]`);
    if (!block) {
      lost.push(text);
      continue;
    }
    const field = block.querySelector("[data-action-id]");
    field?.setAttribute("aria-invalid", "true");
    const at = block.querySelector(".help") ?? block;
    at.prepend(
      h(
        "span",
        { class: "field-error", role: "alert", dataset: { errorFor: blockId } },
        icon("warning"),
        String(text),
      ),
    );
    first ??= field?.matches(FIELDS) ? field : field?.querySelector("input");
  }
  first?.focus();
  form.querySelector(".form-error").textContent = [general, ...lost].filter(Boolean).join(" ");
}

export const modals = new Modals();
