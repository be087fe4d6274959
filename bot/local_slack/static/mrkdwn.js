/** Slack's mrkdwn as nodes. Input is untrusted text, output is built node by node. */
import { h, link, safeUrl } from "./dom.js";
import { formatDate } from "./dates.js";
import { withEmoji } from "./emoji.js";
import { broadcastNode, channelNode, groupNode, userNode } from "./mentions.js";

// Code and <…> tokens are lifted out before styles are read, so that an underscore in an address is no italic.
// Two private-use characters mark their places; the same characters in the input are dropped first.
const OPEN = "\uE000";
const SHUT = "\uE001";

/** The three entities Slack knows, decoded. */
export function unescape(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/** mrkdwn text → array of nodes and strings. */
export function mrkdwn(text, { verbatim = false } = {}) {
  const clean = String(text ?? "").replace(/[\uE000\uE001]/g, "");
  const parts = clean.split(/(```[\s\S]+?```)/);
  return parts.flatMap((part, index) => {
    if (index % 2 === 1)
      return [h("pre", {}, unescape(plainTokens(part.slice(3, -3).replace(/^\n|\n$/g, ""))))];
    // A block stands on lines of its own: the line breaks beside it would show as blank lines.
    const afterBlock = index > 0 ? part.replace(/^\n/, "") : part;
    return quotes(index < parts.length - 1 ? afterBlock.replace(/\n$/, "") : afterBlock, verbatim);
  });
}

/** Inside code, <https://x|label> shows its label and nothing becomes a link. */
function plainTokens(text) {
  return text.replace(/<(https?:[^<>|]+)(?:\|([^<>]*))?>/g, (_, url, label) => label ?? url);
}

/** Lines that begin with > are quoted; >>> quotes everything that follows. */
function quotes(text, verbatim) {
  const runs = [];
  const add = (quoted, line) => {
    const last = runs.at(-1);
    if (last?.quoted === quoted) last.lines.push(line);
    else runs.push({ quoted, lines: [line] });
  };
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const [, arrows, rest] = line.match(/^((?:&gt;|>){3}|&gt;|>)? ?(.*)$/s);
    if (arrows && arrows.replace(/&gt;/g, ">").length === 3) {
      for (const quoted of [rest, ...lines.slice(index + 1)]) add(true, quoted);
      break;
    }
    if (arrows) add(true, rest);
    else add(false, line);
  }
  return runs.flatMap((run) => {
    const nodes = inline(run.lines.join("\n"), verbatim);
    return run.quoted ? [h("blockquote", {}, nodes)] : nodes;
  });
}

function inline(text, verbatim) {
  const atoms = [];
  const keep = (node) => {
    atoms.push(node);
    return `${OPEN}${atoms.length - 1}${SHUT}`;
  };
  const marked = text
    .replace(/`([^`\n]+)`/g, (_, code) => keep(h("code", {}, unescape(plainTokens(code)))))
    .replace(/<([^<>\n]+)>/g, (whole, token) => keep(angle(token) ?? unescape(whole)));
  return styled(marked, atoms, verbatim);
}

const STYLES =
  /(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*[^_\s])_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*[^~\s])~(?![\w~])/g;
const TAGS = ["strong", "em", "s"];

function styled(text, atoms, verbatim) {
  const out = [];
  let rest = 0;
  for (const match of text.matchAll(STYLES)) {
    const which = match.slice(1).findIndex((inner) => inner !== undefined);
    out.push(...leaf(text.slice(rest, match.index), atoms, verbatim));
    out.push(h(TAGS[which], {}, styled(match[which + 1], atoms, verbatim)));
    rest = match.index + match[0].length;
  }
  out.push(...leaf(text.slice(rest), atoms, verbatim));
  return out;
}

function leaf(text, atoms, verbatim) {
  return text.split(/(\uE000\d+\uE001)/).flatMap((part) => {
    if (part.startsWith(OPEN)) return [atoms[Number(part.slice(1, -1))]];
    return verbatim ? withEmoji(unescape(part)) : autolinked(unescape(part));
  });
}

/** Bare web addresses become links, as Slack makes them. */
export function autolinked(text) {
  return text.split(/(https?:\/\/[^\s<>"'|]+[^\s<>"'|.,;:!?)\]}])/).flatMap((part, index) => {
    if (index % 2 === 1 && safeUrl(part)) return [link(part, part)];
    return withEmoji(part);
  });
}

/** What stands between < and >: a mention, a date or a link. Null when it is none of them. */
function angle(token) {
  const bar = token.indexOf("|");
  const target = bar < 0 ? token : token.slice(0, bar);
  const label = bar < 0 ? null : unescape(token.slice(bar + 1));
  if (/^@[UW][A-Z0-9]+$/.test(target)) return userNode(target.slice(1), label);
  if (/^#[CGD][A-Z0-9]+$/.test(target)) return channelNode(target.slice(1), label);
  if (/^!subteam\^S[A-Z0-9]+$/.test(target)) return groupNode(target.slice("!subteam^".length), label);
  if (/^!(here|channel|everyone)$/.test(target)) return broadcastNode(target.slice(1));
  if (target.startsWith("!date^")) return dateNode(target, label);
  if (target.startsWith("!")) return h("span", {}, label ?? `<${unescape(target)}>`);
  if (/^[a-z][a-z0-9+.-]*:/i.test(target))
    return link(unescape(target), withEmoji(label ?? unescape(target).replace(/^mailto:/, "")));
  return null;
}

function dateNode(target, fallback) {
  const [, seconds, format = "", address] = target.split("^");
  const shown = formatDate(seconds, unescape(format)) ?? fallback ?? "";
  const time = h("time", { title: fallback, datetime: isoOf(seconds) }, shown);
  return address ? link(unescape(address), time) : time;
}

function isoOf(seconds) {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
