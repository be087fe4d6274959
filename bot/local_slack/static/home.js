/** The app's Home: a view the app draws for each person. */
import { act } from "./acting.js";
import { renderBlocks } from "./blocks.js";
import { read } from "./client.js";
import { h } from "./dom.js";
import { repainting } from "./focus.js";
import { FormState } from "./form.js";
import { store } from "./store.js";

export class Home {
  #form = new FormState();
  #view = null;
  #asked = 0;

  constructor() {
    this.node = h("div", { class: "home view", tabindex: -1, dataset: { testid: "home" } });
  }

  /** Fetch it again; the app is told that Home was opened. */
  async refresh() {
    this.#asked += 1;
    const mine = this.#asked;
    const answer = await read("home", { user: store.me });
    if (mine === this.#asked && store.place?.kind === "home") this.show(answer.view ?? this.#view);
  }

  forget() {
    this.#view = null;
    this.#form = new FormState();
    this.node.replaceChildren(h("p", { class: "empty" }, "Opening…"));
  }

  show(view) {
    if (view && JSON.stringify(view) === JSON.stringify(this.#view)) return;
    this.#view = view;
    const scrolled = this.node.scrollTop;
    const blocks = view
      ? renderBlocks(view.blocks, this.#surface(view))
      : [h("p", { class: "empty" }, "This app has not put anything on its Home yet.")];
    repainting(
      this.node,
      () => this.node.replaceChildren(...blocks),
      () => this.node,
    );
    if (view) this.node.dataset.viewId = view.id;
    this.node.scrollTop = scrolled;
  }

  #surface(view) {
    this.#form.begin();
    return {
      form: this.#form,
      act: (blockId, action, node) =>
        act({ where: { view_id: view.id }, blockId, action, values: this.#form.values(), node }),
    };
  }
}
