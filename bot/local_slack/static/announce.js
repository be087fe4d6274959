/** What a screen reader says by itself: one short sentence at a time, and never what has been said. */
import { h } from "./dom.js";

const LONGEST = 150;

/** An unseen line that is read out politely whenever `say(text)` changes it. */
export function announcer() {
  const node = h("div", { class: "unseen", "aria-live": "polite", "aria-atomic": "true" });
  const say = (text) => {
    const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
    if (node.textContent !== short) node.textContent = short;
  };
  return { node, say };
}
