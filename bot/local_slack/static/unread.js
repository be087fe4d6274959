/** What I have not read: the last read timestamp of each channel, kept in this browser for each person. */
import { store } from "./store.js";

function key() {
  return `local-slack:read:${store.boot.team.id}:${store.me}`;
}

function marks() {
  try {
    return JSON.parse(localStorage.getItem(key()) ?? "{}");
  } catch {
    return {};
  }
}

export function markRead(channel) {
  const newest = store.timeline(channel).at(-1);
  if (!newest) return;
  const known = marks();
  if (Number(known[channel] ?? 0) >= Number(newest.ts)) return;
  localStorage.setItem(key(), JSON.stringify({ ...known, [channel]: newest.ts }));
  store.changed("unread");
}

/** How many messages of others came since I last looked, and whether one of them names me. */
export function unreadIn(channel) {
  const since = Number(marks()[channel.id] ?? 0);
  const fresh = store
    .timeline(channel.id)
    .filter((message) => Number(message.ts) > since && message.user !== store.me);
  return {
    count: fresh.length,
    mentioned: fresh.some(namesMe) || (channel.kind === "im" && fresh.length > 0),
  };
}

function namesMe(message) {
  return `${message.text ?? ""}${JSON.stringify(message.blocks ?? [])}`.includes(`@${store.me}>`);
}
