/** People, channels, groups and broadcasts inside text. */
import { h } from "./dom.js";
import { store } from "./store.js";

export function userNode(id, label) {
  const user = store.user(id);
  const mine = id === store.me;
  return h(
    "span",
    { class: mine ? "mention mention-me" : "mention", title: user?.title, dataset: { userId: id } },
    `@${user ? store.nameOf(user) : (label ?? id)}`,
  );
}

export function channelNode(id, label) {
  const channel = store.channel(id);
  if (!channel) return h("span", { class: "mention" }, `#${label ?? id}`);
  return h(
    "button",
    {
      type: "button",
      class: "mention mention-channel",
      on: { click: () => store.open({ kind: "channel", id }) },
    },
    `#${channel.name}`,
  );
}

export function groupNode(id, label) {
  const group = store.group(id);
  const handle = group?.handle ?? (label ?? id).replace(/^@/, "");
  const mine = group?.users?.includes(store.me);
  return h("span", { class: mine ? "mention mention-me" : "mention", title: group?.name }, `@${handle}`);
}

export function broadcastNode(range) {
  return h("span", { class: "mention mention-me" }, `@${range}`);
}
