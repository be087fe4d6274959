/** Block Kit's text objects. */
import { mrkdwn } from "./mrkdwn.js";
import { withEmoji } from "./emoji.js";

/** A text object as nodes: mrkdwn is parsed, plain_text is literal but for emoji. */
export function textObject(text) {
  if (!text) return [];
  if (text.type === "mrkdwn") return mrkdwn(text.text, { verbatim: text.verbatim });
  return text.emoji === false ? [String(text.text ?? "")] : withEmoji(String(text.text ?? ""));
}

/** The bare words of a text object, for labels. */
export function words(text) {
  return String(text?.text ?? "");
}
