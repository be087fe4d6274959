/** The composition of the page: layout, address, live events, and what happens when the server went away. */
import { addressed, placeOf, writeAddress } from "./address.js";
import { Events, read } from "./client.js";
import { Composer } from "./composer.js";
import { h, icon, soon } from "./dom.js";
import { Home } from "./home.js";
import { modals } from "./modal.js";
import { closePopover } from "./popover.js";
import { mrkdwn } from "./mrkdwn.js";
import { sidebar } from "./sidebar.js";
import { store } from "./store.js";
import { threadPanel } from "./thread.js";
import { Timeline } from "./timeline.js";
import { markRead } from "./unread.js";

const RETRY_MS = 1_000;
const ROSTER_PAUSE_MS = 100;
const MINUTE_MS = 60_000;

const home = new Home();
const timeline = new Timeline({ label: "Messages", testid: "messages", onEarlier: showEarlier });
const composer = new Composer({
  testid: "composer",
  label: "Message",
  where: () => (store.place?.kind === "channel" ? { channel: store.place.id } : null),
  onSent: () => timeline.toEnd(),
});
const title = h("h1", { class: "place-title" });
const topic = h("div", { class: "place-topic" });
const tabs = h("div", { class: "tabs", hidden: true });
const menuButton = h(
  "button",
  {
    type: "button",
    class: "tool menu-button",
    "aria-label": "Channels and people",
    "aria-controls": "sidebar",
    "aria-expanded": "false",
    on: { click: () => showSidebar(!document.body.classList.contains("with-sidebar")) },
  },
  icon("menu"),
);
const offline = h(
  "div",
  { class: "offline", role: "status", hidden: true },
  "The local Slack does not answer. Reconnecting…",
);
const events = new Events({ onEvent: receive, onState: connected });

function layout() {
  const head = h(
    "header",
    { class: "place-head" },
    menuButton,
    h("div", { class: "place-words" }, title, topic),
    tabs,
  );
  const main = h("main", { class: "main" }, head, offline, timeline.node, home.node, composer.node);
  const shade = h("div", { class: "shade", on: { click: () => showSidebar(false) } });
  document.body.replaceChildren(sidebar({ onPerson: become }), shade, main, threadPanel());
}

function showSidebar(open) {
  document.body.classList.toggle("with-sidebar", open);
  menuButton.setAttribute("aria-expanded", String(open));
}

async function fetchBoot() {
  const boot = await read("boot", { user: store.me ?? addressed().as ?? "" });
  if (!boot.team) return false;
  store.setBoot(boot);
  return true;
}

async function fetchMessages(channel) {
  const me = store.me;
  const answer = await read("messages", { channel, user: me, limit: store.limitOf(channel) });
  if (answer.messages && me === store.me) store.setMessages(channel, answer.messages);
}

/** Fetch what is open first, then the rest for their unread counts. */
async function fetchAll() {
  const mine = [...store.channels, ...store.directMessages].map((channel) => channel.id);
  const open = store.place?.kind === "channel" ? store.place.id : null;
  if (open) await fetchMessages(open);
  else await home.refresh();
  for (const channel of mine) if (channel !== open) await fetchMessages(channel);
}

async function showEarlier() {
  store.raiseLimit(store.place.id);
  await fetchMessages(store.place.id);
  if (document.activeElement === document.body) timeline.scroller.focus({ preventScroll: true });
}

async function become(user) {
  if (user === store.me) return;
  const boot = await read("boot", { user });
  if (!boot.team) return;
  modals.leave();
  home.forget();
  timeline.clear();
  showSidebar(false);
  store.thread = null;
  store.become(user, boot);
  reopen();
  events.follow(user);
}

/** Stay where I am, if I may still be there. */
function reopen() {
  store.open(placeOf(store.place.kind === "home" ? "home" : store.place.id));
}

/**
 * (Re)connected: whatever happened meanwhile is fetched, from a server that may have been restarted.
 * `body[data-online="true"]` says that the page is live and shows everything.
 */
async function connected(up) {
  document.body.dataset.online = "false";
  store.online = up;
  offline.hidden = up;
  if (!up || !(await fetchBoot())) return;
  if (!store.user(store.me)) return become(store.people[0].id);
  reopen();
  await fetchAll();
  document.body.dataset.online = String(store.online);
}

let rosterTimer = null;

function receive(event) {
  switch (event.type) {
    case "message":
    case "message_changed":
      return arrived(event.channel, event.message);
    case "ephemeral":
      return arrived(event.channel, { ...event.message, ephemeral: true });
    case "message_deleted":
      return store.remove(event.channel, event.message.ts);
    case "view_opened":
    case "view_pushed":
    case "view_updated":
    case "view_closed":
      return modals.receive(event);
    case "home":
      return store.place?.kind === "home" ? home.show(event.view) : undefined;
    case "roster":
      clearTimeout(rosterTimer);
      rosterTimer = setTimeout(rosterChanged, ROSTER_PAUSE_MS);
      return undefined;
    default:
      return undefined;
  }
}

function arrived(channel, message) {
  if (store.channel(channel) && !store.knows(channel)) return fetchMessages(channel);
  return store.put(channel, message);
}

async function rosterChanged() {
  if (!(await fetchBoot())) return;
  if (store.place.kind === "channel" && !store.channel(store.place.id)) reopen();
  for (const { id } of [...store.channels, ...store.directMessages])
    if (!store.knows(id)) await fetchMessages(id);
}

// Painting the middle

function paintHead() {
  const channel = store.place.kind === "channel" ? store.channel(store.place.id) : null;
  const app = store.bot ? store.nameOf(store.bot) : (store.boot.bot?.name ?? "App");
  const withApp = !channel || store.isBotDm(channel);
  const name = withApp ? app : store.titleOf(channel);
  title.replaceChildren(...(channel && channel.kind !== "im" ? [icon("hash"), name] : [name]));
  topic.replaceChildren(...(channel?.topic ? mrkdwn(channel.topic) : []));
  topic.title = channel?.topic ?? "";
  tabs.hidden = !withApp || !store.boot.home || !store.botDm;
  tabs.replaceChildren(
    ...(tabs.hidden
      ? []
      : [tab("Home", { kind: "home" }), tab("Messages", { kind: "channel", id: store.botDm.id })]),
  );
  const sign = channel && channel.kind !== "im" ? "#" : "";
  composer.setLabel(`Message ${sign}${name}`);
  timeline.list.setAttribute("aria-label", `Messages in ${sign}${name}`);
  document.title = `${sign}${name} · ${store.boot.team.name}`;
}

function tab(label, place) {
  const here = store.place.kind === place.kind;
  return h(
    "button",
    {
      type: "button",
      class: "tab",
      "aria-current": here ? "page" : null,
      on: { click: () => store.open(place) },
    },
    label,
  );
}

function paintMessages() {
  if (store.place?.kind !== "channel") return;
  const { id } = store.place;
  timeline.paint(id, store.timeline(id));
  timeline.earlier.hidden = store.messages(id).length < store.limitOf(id);
  if (timeline.atEnd && document.hasFocus()) markRead(store.place.id);
}

store.on("place", ({ same }) => {
  closePopover();
  const inHome = store.place.kind === "home";
  home.node.hidden = !inHome;
  timeline.node.hidden = composer.node.hidden = inHome;
  paintHead();
  writeAddress();
  if (same) return;
  showSidebar(false);
  timeline.clear();
  composer.reset();
  if (inHome) {
    home.forget();
    home.refresh();
    home.node.focus({ preventScroll: true });
  } else {
    paintMessages();
    timeline.toEnd();
    if (!store.knows(store.place.id)) fetchMessages(store.place.id);
    // In a narrow window the box would call up a keyboard.
    const wide = matchMedia("(min-width: 721px)").matches;
    (wide ? composer.box : timeline.scroller).focus({ preventScroll: true });
  }
});
const repaint = soon(paintMessages);
store.on("messages", (channel) => channel === store.place?.id && repaint());
setInterval(repaint, MINUTE_MS);
store.on("roster", () => {
  if (!store.place || !store.me) return;
  paintHead();
  paintMessages();
});
timeline.onEnd = () => store.place?.kind === "channel" && document.hasFocus() && markRead(store.place.id);
window.addEventListener("focus", () => timeline.atEnd && timeline.onEnd());
window.addEventListener("hashchange", async () => {
  const { place, as } = addressed();
  if (as && as !== store.me && store.user(as)) await become(as);
  store.open(placeOf(place));
});
document.addEventListener("keydown", (event) => event.key === "Escape" && showSidebar(false));

/** Ask until the server answers and somebody is there to be. */
async function start() {
  layout();
  while (!(await fetchBoot()) || !store.people.length) {
    offline.hidden = store.boot !== null;
    title.textContent = store.boot ? "Nobody is in this workspace yet." : "";
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  offline.hidden = true;
  const { place, as } = addressed();
  const me = store.user(as) ?? store.people[0];
  store.become(me.id, store.boot);
  store.open(placeOf(place));
  events.follow(me.id);
}

start();
