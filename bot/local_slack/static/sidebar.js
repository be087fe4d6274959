/** The left side: the workspace, who I am, channels, direct messages, apps. */
import { avatar } from "./avatar.js";
import { h, icon, soon } from "./dom.js";
import { repainting } from "./focus.js";
import { openPopover } from "./popover.js";
import { store } from "./store.js";
import { unreadIn } from "./unread.js";

/** The sidebar as a node that repaints itself; `onPerson(id)` is called when somebody else is chosen. */
export function sidebar({ onPerson }) {
  const head = h("div", { class: "side-head" });
  const lists = h("div", { class: "side-lists" });
  const node = h("nav", { class: "sidebar", id: "sidebar", "aria-label": "Workspace" }, head, lists);
  const paintLists = () => store.me && keepingPlace(lists, listNodes());
  let painted = null;
  store.on("roster", () => {
    if (!store.me) return;
    // An open list of people hangs from the switch, so it is painted anew only where there is something new in it.
    const shown = JSON.stringify([store.me, store.boot.team, store.people]);
    if (shown !== painted) paintHead(head, onPerson);
    painted = shown;
    paintLists();
  });
  const repaint = soon(paintLists);
  store.on("place", paintLists);
  store.on("unread", repaint);
  store.on("messages", repaint);
  return node;
}

function paintHead(head, onPerson) {
  const person = personSwitch(onPerson);
  repainting(
    head,
    () => head.replaceChildren(h("div", { class: "team", title: store.boot.team.name }, store.boot.team.name), person),
    () => person,
  );
}

function keepingPlace(lists, nodes) {
  const focused = lists.contains(document.activeElement) ? document.activeElement.dataset : null;
  lists.replaceChildren(...nodes);
  if (focused)
    [...lists.querySelectorAll("button")].find((one) => one.dataset.channelId === focused.channelId)?.focus();
}

function personSwitch(onPerson) {
  const me = store.user(store.me);
  const button = h(
    "button",
    {
      type: "button",
      class: "person",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      dataset: { testid: "person-switch", userId: me.id },
      title: "Switch person",
    },
    avatar(me, "medium"),
    h(
      "span",
      { class: "person-words" },
      h("span", { class: "person-name" }, h("span", { class: "person-you" }, "You are "), store.nameOf(me)),
      h("span", { class: "person-title" }, me.title || `@${me.name}`),
    ),
    icon("caret"),
  );
  const items = store.people.map((user) => ({
    value: user.id,
    user,
    text: `${store.nameOf(user)} ${user.title ?? ""}`,
    label: store.nameOf(user),
    description:
      [user.title, user.is_restricted ? "Guest" : ""].filter(Boolean).join(" · ") || `@${user.name}`,
    lead: avatar(user, "medium"),
  }));
  button.addEventListener("click", () =>
    openPopover({
      anchor: button,
      items,
      label: "People",
      filter: items.length > 9,
      isSelected: (item) => item.value === store.me,
      onPick: (item) => onPerson(item.value),
    }),
  );
  return button;
}

function listNodes() {
  const direct = store.directMessages;
  return [
    group(
      "Channels",
      store.channels.map((channel) => entry(channel, icon("hash"))),
    ),
    direct.length
      ? group(
          "Direct messages",
          direct.map((channel) => entry(channel, avatar(store.otherIn(channel), "small"))),
        )
      : null,
    store.boot.home ? group("Apps", [home()]) : null,
  ].filter(Boolean);
}

function group(title, entries) {
  return h("section", { class: "side-group", "aria-label": title }, h("h2", {}, title), entries);
}

function entry(channel, lead) {
  const here = store.place?.kind === "channel" && store.place.id === channel.id;
  const { count, mentioned } = unreadIn(channel);
  const unread = count && !here;
  const title = store.titleOf(channel);
  const badge = unread
    ? h(
        "span",
        { class: `badge${mentioned ? " badge-mention" : ""}`, "aria-label": `${count} unread` },
        count > 99 ? "99+" : count,
      )
    : null;
  return h(
    "button",
    {
      type: "button",
      class: `side-entry${unread ? " unread" : ""}`,
      "aria-current": here ? "page" : null,
      dataset: { channelId: channel.id },
      on: { click: () => store.open({ kind: "channel", id: channel.id }) },
    },
    lead,
    h("span", { class: "side-name", title }, title),
    badge,
  );
}

function home() {
  const here = store.place?.kind === "home";
  return h(
    "button",
    {
      type: "button",
      class: "side-entry",
      "aria-current": here ? "page" : null,
      dataset: { testid: "open-home", channelId: "home" },
      on: { click: () => store.open({ kind: "home" }) },
    },
    avatar(store.bot, "small"),
    h("span", { class: "side-name" }, store.bot ? store.nameOf(store.bot) : store.boot.bot.name),
    h("span", { class: "app-badge" }, "APP"),
  );
}
