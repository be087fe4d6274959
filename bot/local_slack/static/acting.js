/** One click on its way to the app: a spinner while it travels, Slack's small warning when nothing comes back. */
import { send } from "./client.js";
import { busy, warn } from "./elements.js";
import { store } from "./store.js";

const PATIENCE_MS = 3_000;

/**
 * Deliver a block action. `where` is `{channel, message_ts}` or `{view_id}`; `node` shows the spinner and the
 * block around it the warning.
 */
export async function act({ where, blockId, action, values, node }) {
  const place = node.closest(".block") ?? node.parentElement;
  const home = place.closest(".message, .view") ?? place;
  home.querySelectorAll(".warning-line").forEach((line) => line.remove());
  const done = busy(node);
  const late = setTimeout(() => warn(place, "The app did not respond within 3 seconds."), PATIENCE_MS);
  const answer = await send("act", { user: store.me, ...where, block_id: blockId, action, state: values });
  clearTimeout(late);
  done();
  if (!answer.ok) warn(place, inWords(answer.error));
}

const WORDS = {
  operation_timeout: "The app did not respond within 3 seconds.",
  dispatch_failed: "The app is not connected.",
  not_found: "This is no longer open: the local Slack was restarted or the view was closed.",
  message_not_found: "This message no longer exists.",
  action_not_found: "This message changed meanwhile.",
  is_archived: "This channel is archived.",
};

/** What went wrong with a delivery, for people. */
export function inWords(error) {
  if (!error) return "The app did not respond.";
  if (Object.hasOwn(WORDS, error)) return WORDS[error];
  return /\s/.test(error) ? error : `The app answered with an error (${error}).`;
}
