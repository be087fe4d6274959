/** What the page knows: the workspace, who I am, what is open, and the messages of each channel. */

const LIMIT = 200;

class Store extends EventTarget {
  boot = null;
  me = null;
  place = null; // {kind: "channel", id} or {kind: "home"}
  thread = null; // the ts of the thread that is open in the panel
  online = true;
  names = 0; // counts how often people or groups changed, so that rows that name them are painted again
  #names = "";
  #messages = new Map(); // channel → Map(ts → message)
  #limits = new Map();
  #users = new Map();
  #channels = new Map();

  /** Tell every listener of `topic`: "roster", "place", "messages" (detail: channel), "thread", "unread", "online". */
  changed(topic, detail) {
    this.dispatchEvent(new CustomEvent(topic, { detail }));
  }

  on(topic, listener) {
    this.addEventListener(topic, ({ detail }) => listener(detail));
  }

  setBoot(boot) {
    const names = JSON.stringify([boot.users, boot.groups]);
    if (names !== this.#names) this.names += 1;
    this.#names = names;
    this.boot = boot;
    this.#users = new Map(boot.users.map((user) => [user.id, user]));
    this.#channels = new Map(boot.channels.map((channel) => [channel.id, channel]));
    this.changed("roster");
  }

  user(id) {
    return this.#users.get(id) ?? null;
  }

  channel(id) {
    return this.#channels.get(id) ?? null;
  }

  group(id) {
    return this.boot?.groups?.find((group) => group.id === id) ?? null;
  }

  nameOf(user) {
    return user.real_name || user.name || user.id;
  }

  get people() {
    return this.boot.users.filter((user) => !user.is_bot && !user.deleted);
  }

  get channels() {
    return this.boot.channels
      .filter((channel) => channel.kind !== "im")
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  get directMessages() {
    return this.boot.channels.filter((channel) => channel.kind === "im" && channel.members.includes(this.me));
  }

  /** My direct message with the app, once there is one. */
  get botDm() {
    return this.directMessages.find((channel) => this.isBotDm(channel)) ?? null;
  }

  get bot() {
    return this.boot.bot ? this.user(this.boot.bot.user_id) : null;
  }

  isBotDm(channel) {
    return channel.kind === "im" && channel.members.includes(this.boot.bot?.user_id);
  }

  /** The person at the other end of a direct message (myself in a note to self). */
  otherIn(channel) {
    return this.user(channel.members.find((id) => id !== this.me) ?? this.me);
  }

  titleOf(channel) {
    if (channel.kind !== "im") return channel.name;
    const other = this.otherIn(channel);
    return other ? this.nameOf(other) : channel.name;
  }

  open(place) {
    const same = this.place?.kind === place.kind && this.place?.id === place.id;
    this.place = place;
    if (!same) this.thread = null;
    this.changed("place", { same });
  }

  openThread(ts) {
    this.thread = ts;
    this.changed("thread");
  }

  /** Sit in somebody's chair; `boot` is the workspace as they see it. */
  become(user, boot) {
    this.me = user;
    this.#messages.clear();
    this.setBoot(boot);
  }

  limitOf(channel) {
    return this.#limits.get(channel) ?? LIMIT;
  }

  raiseLimit(channel) {
    this.#limits.set(channel, this.limitOf(channel) + LIMIT);
  }

  /** True once the channel's history has been fetched. */
  knows(channel) {
    return this.#messages.has(channel);
  }

  setMessages(channel, messages) {
    this.#messages.set(channel, new Map(messages.map((message) => [message.ts, message])));
    this.changed("messages", channel);
  }

  put(channel, message) {
    if (!this.#messages.has(channel)) return;
    const known = this.#messages.get(channel);
    const before = known.get(message.ts);
    known.set(message.ts, before?.ephemeral ? { ...message, ephemeral: true } : message);
    this.changed("messages", channel);
  }

  remove(channel, ts) {
    this.#messages.get(channel)?.delete(ts);
    this.changed("messages", channel);
  }

  message(channel, ts) {
    return this.#messages.get(channel)?.get(ts) ?? null;
  }

  /** All messages of a channel, oldest first. */
  messages(channel) {
    return [...(this.#messages.get(channel)?.values() ?? [])].sort((a, b) => Number(a.ts) - Number(b.ts));
  }

  /** The newest messages that stand in the channel itself, at most as many as its limit. */
  timeline(channel) {
    return this.messages(channel)
      .filter((message) => !isReply(message) || message.subtype === "thread_broadcast")
      .slice(-this.limitOf(channel));
  }

  /** Map(thread ts → its replies, oldest first). */
  threads(channel) {
    const threads = new Map();
    for (const message of this.messages(channel)) {
      if (!isReply(message)) continue;
      if (!threads.has(message.thread_ts)) threads.set(message.thread_ts, []);
      threads.get(message.thread_ts).push(message);
    }
    return threads;
  }
}

function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}

export const store = new Store();
