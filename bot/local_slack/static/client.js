/** The wire to the local Slack: JSON over HTTP, events over a WebSocket that comes back by itself. */

const LONGEST_WAIT_MS = 5_000;

/** Ask the server; a network failure is answered like a refusal: `{ok: false, error}`. */
async function ask(path, options) {
  try {
    const response = await fetch(path, options);
    const answer = await response.json().catch(() => ({}));
    return { ok: response.ok, ...answer };
  } catch {
    return { ok: false, error: "The local Slack cannot be reached." };
  }
}

export function read(path, query = {}) {
  const search = new URLSearchParams(query).toString();
  return ask(`/client/${path}${search && `?${search}`}`);
}

export function send(path, body) {
  return ask(`/client/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** The events of one person. `onEvent` gets each event, `onState` true at every (re)connection and false at every loss. */
export class Events {
  #socket = null;
  #timer = null;
  #wait = 0;
  #user = null;

  constructor({ onEvent, onState }) {
    this.onEvent = onEvent;
    this.onState = onState;
  }

  follow(user) {
    this.#user = user;
    this.#wait = 0;
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    const old = this.#socket;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(
      `${scheme}://${location.host}/client/ws?user=${encodeURIComponent(this.#user)}`,
    );
    this.#socket = socket;
    old?.close();
    socket.onmessage = ({ data }) => this.#receive(socket, JSON.parse(data));
    socket.onclose = () => this.#lost(socket);
  }

  #receive(socket, event) {
    if (socket !== this.#socket) return;
    if (event.type === "hello") {
      this.#wait = 0;
      this.onState(true);
    } else this.onEvent(event);
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    this.onState(false);
    this.#wait = Math.min(this.#wait * 2 || 250, LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.#connect(), this.#wait);
  }
}
