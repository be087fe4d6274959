/** The panel on the right: one message, its replies, and a box to answer. */
import { Composer } from "./composer.js";
import { h, icon, soon } from "./dom.js";
import { remembered } from "./focus.js";
import { store } from "./store.js";
import { Timeline } from "./timeline.js";

export function threadPanel() {
  const composer = new Composer({
    testid: "thread-composer",
    label: "Reply…",
    where: () => ({ channel: store.place.id, thread_ts: store.thread }),
    onSent: () => timeline.toEnd(),
  });
  composer.setLabel("Reply…");
  const timeline = new Timeline({ label: "Thread", inThread: true, testid: "thread-messages" });
  const where = h("span", { class: "panel-where" });
  const close = h(
    "button",
    {
      type: "button",
      class: "tool",
      "aria-label": "Close thread",
      on: { click: () => store.openThread(null) },
    },
    icon("close"),
  );
  const node = h(
    "aside",
    { class: "thread-panel", "aria-label": "Thread", hidden: true, dataset: { testid: "thread-panel" } },
    h("header", { class: "panel-head" }, h("h2", {}, "Thread", where), close),
    timeline.node,
    composer.node,
  );
  node.addEventListener("keydown", (event) => event.key === "Escape" && store.openThread(null));

  let back = null;
  let shown = null;
  const paint = () => {
    const channel = store.place?.kind === "channel" ? store.place.id : null;
    const open = Boolean(channel && store.thread);
    node.hidden = !open;
    document.body.classList.toggle("with-thread", open);
    if (!open) {
      shown = null;
      return;
    }
    if (shown !== store.thread) timeline.clear();
    shown = store.thread;
    const parent = store.message(channel, store.thread);
    where.textContent = ` #${store.titleOf(store.channel(channel))}`;
    timeline.paint(channel, [
      ...(parent ? [parent] : []),
      ...(store.threads(channel).get(store.thread) ?? []),
    ]);
  };
  store.on("thread", () => {
    if (store.thread && !node.contains(document.activeElement)) back = remembered();
    paint();
    composer.reset();
    if (store.thread) composer.box.focus();
    else back?.();
  });
  store.on("place", paint);
  const repaint = soon(paint);
  store.on("messages", (channel) => channel === store.place?.id && repaint());
  return node;
}
