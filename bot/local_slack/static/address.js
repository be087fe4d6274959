/** The address: `?as=U…#C…` says who looks at what; `#home` is the app's Home. */
import { store } from "./store.js";

/** What the address asks for: `{place, as}`, either of which may be empty. */
export function addressed() {
  const [place, query = ""] = location.hash.slice(1).split("?");
  const as = new URLSearchParams(location.search).get("as") ?? new URLSearchParams(query).get("as");
  return { place: decodeURIComponent(place), as };
}

/** Put what is shown into the address. */
export function writeAddress() {
  const place = store.place.kind === "home" ? "home" : store.place.id;
  const next = `?as=${store.me}#${place}`;
  if (location.search + location.hash !== next) history.replaceState(null, "", next);
}

/** The place of that name that I may see, else the first channel I am in. */
export function placeOf(name) {
  if (name === "home" && store.boot.home) return { kind: "home" };
  const channel = store.channel(name) ?? store.channels.find((one) => one.name === name);
  if (channel && (channel.kind !== "im" || channel.members.includes(store.me)))
    return { kind: "channel", id: channel.id };
  const mine = store.channels.find((one) => one.members.includes(store.me));
  const first = mine ?? store.channels[0] ?? store.directMessages[0];
  return first ? { kind: "channel", id: first.id } : { kind: "home" };
}
