/** The rich_text block. Its text elements are literal: no mrkdwn, no entities. */
import { h, link } from "./dom.js";
import { formatDate } from "./dates.js";
import { emojiNode } from "./emoji.js";
import { broadcastNode, channelNode, groupNode, userNode } from "./mentions.js";

export function richText(block) {
  return (block.elements ?? []).map(part);
}

function part(element) {
  switch (element.type) {
    case "rich_text_section":
      return h("div", { class: "rt-section" }, runs(element.elements));
    case "rich_text_quote":
      return h("blockquote", {}, runs(element.elements));
    case "rich_text_preformatted":
      return h("pre", {}, runs(element.elements));
    case "rich_text_list":
      return list(element);
    default:
      return h("div", { class: "unsupported" }, `Not shown here: ${element.type}`);
  }
}

function list(element) {
  const props = {
    class: `rt-list indent-${Math.min(Number(element.indent) || 0, 8)}`,
    start: element.offset ? element.offset + 1 : null,
  };
  return h(
    element.style === "ordered" ? "ol" : "ul",
    props,
    (element.elements ?? []).map((item) => h("li", {}, runs(item.elements))),
  );
}

function runs(elements) {
  return (elements ?? []).map((element) => styled(run(element), element.style));
}

function run(element) {
  switch (element.type) {
    case "text":
      return element.text ?? "";
    case "link":
      return link(element.url, element.text || element.url || "");
    case "emoji":
      return emojiNode(element.name) ?? fromCodePoints(element.unicode) ?? `:${element.name}:`;
    case "user":
      return userNode(element.user_id);
    case "channel":
      return channelNode(element.channel_id);
    case "usergroup":
      return groupNode(element.usergroup_id);
    case "broadcast":
      return broadcastNode(element.range);
    case "date":
      return formatDate(element.timestamp, element.format ?? "{date_short}") ?? element.fallback ?? "";
    case "color":
      return element.value ?? "";
    default:
      return element.text ?? `[${element.type}]`;
  }
}

function fromCodePoints(unicode) {
  if (!/^[0-9a-f]{2,6}(-[0-9a-f]{2,6})*$/i.test(unicode ?? "")) return null;
  const points = unicode.split("-").map((hex) => Number.parseInt(hex, 16));
  return points.every((point) => point <= 0x10ffff) ? String.fromCodePoint(...points) : null;
}

const STYLES = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code" };

function styled(node, style) {
  return Object.entries(STYLES).reduce(
    (inner, [name, tag]) => (style?.[name] ? h(tag, {}, inner) : inner),
    node,
  );
}
