/** One message as a row: who, when, what, and the way into its thread. */
import { act } from "./acting.js";
import { avatar } from "./avatar.js";
import { renderBlocks } from "./blocks.js";
import { clock, dateOf, fullTime, relative } from "./dates.js";
import { h, icon, link, safeImageUrl } from "./dom.js";
import { emojiNode } from "./emoji.js";
import { FormState } from "./form.js";
import { mrkdwn } from "./mrkdwn.js";
import { store } from "./store.js";

const GROUP_SECONDS = 300;
const forms = new Map(); // "channel ts" → FormState, so that a repainted card keeps what was chosen

/** Whether `message` may stand under `before` without its own name: same author, soon after, and no card. */
export function groups(before, message) {
  if (!before || before.user !== message.user || before.username !== message.username) return false;
  if (message.blocks?.length || Boolean(before.ephemeral) !== Boolean(message.ephemeral)) return false;
  return Number(message.ts) - Number(before.ts) < GROUP_SECONDS;
}

/** The row of a message. `grouped` leaves out avatar and name; `inThread` leaves out the way into the thread. */
export function messageRow(channel, message, { grouped = false, inThread = false } = {}) {
  const author = store.user(message.user);
  const name =
    message.username ?? (author ? store.nameOf(author) : (message.user ?? message.bot_id ?? "Unknown"));
  const row = h(
    "article",
    {
      class: `message${grouped ? " grouped" : ""}${message.ephemeral ? " ephemeral" : ""}`,
      tabindex: -1,
      "aria-label": `${name}, ${fullTime(message.ts)}`,
      dataset: { ts: message.ts, userId: message.user, ephemeral: message.ephemeral ? "true" : null },
    },
    h(
      "div",
      { class: "gutter" },
      grouped
        ? h("time", { class: "gutter-time", datetime: dateOf(message.ts).toISOString() }, clock(message.ts))
        : avatar(author),
    ),
    h(
      "div",
      { class: "body" },
      grouped ? null : nameLine(message, author, name),
      message.ephemeral ? onlyYou() : null,
      content(channel, message),
      inThread ? null : h("div", { class: "thread-slot" }),
    ),
  );
  if (!inThread && !message.ephemeral) row.append(toolbar(message));
  return row;
}

function nameLine(message, author, name) {
  const app = message.bot_id || author?.is_bot;
  return h(
    "div",
    { class: "name-line" },
    h("span", { class: "name", title: author?.title || null }, name),
    app ? h("span", { class: "app-badge" }, "APP") : null,
    author?.is_restricted ? h("span", { class: "app-badge" }, "GUEST") : null,
    h(
      "time",
      { class: "time", datetime: dateOf(message.ts).toISOString(), title: fullTime(message.ts) },
      clock(message.ts),
    ),
    // Below a card it would stand under the buttons.
    message.blocks?.length ? editedMark(message) : null,
  );
}

function onlyYou() {
  return h("div", { class: "only-you" }, icon("eye"), "Only visible to you");
}

function content(channel, message) {
  const blocks = message.blocks?.length ? renderBlocks(message.blocks, surfaceOf(channel, message)) : null;
  const text =
    !blocks && message.text
      ? h("div", { class: "text" }, message.mrkdwn === false ? message.text : mrkdwn(message.text), editedMark(message))
      : null;
  return [
    blocks ? h("div", { class: "blocks" }, blocks) : text,
    (message.files ?? []).map(file),
    message.reactions?.length ? h("div", { class: "reactions" }, message.reactions.map(reaction)) : null,
  ];
}

function editedMark({ edited }) {
  return edited
    ? h("span", { class: "edited", title: edited.ts ? fullTime(edited.ts) : null }, " (edited)")
    : null;
}

function surfaceOf(channel, message) {
  const key = `${channel} ${message.ts}`;
  if (!forms.has(key)) forms.set(key, new FormState());
  const form = forms.get(key);
  form.begin();
  return {
    form,
    act: (blockId, action, node) =>
      act({ where: { channel, message_ts: message.ts }, blockId, action, values: form.values(), node }),
  };
}

function file(one) {
  const url = safeImageUrl(one.url_private ?? one.url_private_download ?? one.permalink);
  const name = one.title || one.name || "File";
  if (url && String(one.mimetype ?? "").startsWith("image/")) {
    const picture = h("img", { src: url, alt: one.alt_txt || name, loading: "lazy" });
    return h("figure", { class: "file-image" }, h("figcaption", {}, name), opens(url, picture));
  }
  return h("div", { class: "file-chip" }, icon("file"), url ? opens(url, name) : name);
}

/** A link to a file, which may be a path on this server. */
function opens(path, inside) {
  return link(new URL(path, location.href).href, inside);
}

function reaction({ name, count, users }) {
  const who = (users ?? [])
    .map((id) => store.user(id))
    .filter(Boolean)
    .map((user) => store.nameOf(user))
    .join(", ");
  return h("span", { class: "reaction", title: who || null }, emojiNode(name) ?? `:${name}:`, " ", count);
}

function toolbar(message) {
  const open = () => store.openThread(message.thread_ts ?? message.ts);
  return h(
    "div",
    { class: "toolbar" },
    h(
      "button",
      {
        type: "button",
        class: "tool",
        "aria-label": "Reply in thread",
        title: "Reply in thread",
        on: { click: open },
      },
      icon("reply"),
    ),
  );
}

/** What stands in a row's thread slot: the faces of those who replied, how many replies, and how long ago. */
export function threadLink(message, replies) {
  const count = Math.max(replies.length, message.reply_count ?? 0);
  if (!count) return [];
  const faces = [...new Set(replies.map((reply) => reply.user))]
    .slice(0, 4)
    .map((id) => avatar(store.user(id), "small"));
  const newest = replies.at(-1);
  const label = `${count} ${count === 1 ? "reply" : "replies"}`;
  return [
    h(
      "button",
      {
        type: "button",
        class: "thread-link",
        dataset: { testid: "thread-link" },
        on: { click: () => store.openThread(message.ts) },
      },
      h("span", { class: "faces" }, faces),
      h("span", { class: "thread-count" }, label),
      newest ? h("span", { class: "thread-age" }, `Last reply ${relative(dateOf(newest.ts))}`) : null,
    ),
  ];
}
