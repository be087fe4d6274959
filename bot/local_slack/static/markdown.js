/** The markdown block: standard Markdown's common subset, as nodes. */
import { h, link } from "./dom.js";
import { withEmoji } from "./emoji.js";

export function markdown(text) {
  const lines = String(text ?? "")
    .replace(/\r\n?/g, "\n")
    .split("\n");
  const out = [];
  while (lines.length) out.push(block(lines));
  return out.filter(Boolean);
}

const FENCE = /^\s{0,3}(```+|~~~+)/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^\s{0,3}([-*_])(\s*\1){2,}\s*$/;
const QUOTE = /^\s{0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TABLE_LINE = /^\s*\|?[\s:|-]+\|[\s:|-]*$/;

/** Take the next block off the front of `lines`. */
function block(lines) {
  const [line] = lines;
  if (!line.trim()) return lines.shift() && null;
  if (FENCE.test(line)) return fence(lines);
  if (HEADING.test(line)) return heading(lines.shift());
  if (RULE.test(line)) return lines.shift() && h("hr");
  if (QUOTE.test(line))
    return h(
      "blockquote",
      {},
      markdown(
        takeWhile(lines, (next) => QUOTE.test(next))
          .map((next) => next.replace(QUOTE, ""))
          .join("\n"),
      ),
    );
  if (ITEM.test(line)) return list(lines);
  if (line.includes("|") && TABLE_LINE.test(lines[1] ?? "")) return table(lines);
  return h("p", {}, inline(takeParagraph(lines).join("\n")));
}

function takeWhile(lines, keeps) {
  let count = 0;
  while (count < lines.length && keeps(lines[count])) count += 1;
  return lines.splice(0, count);
}

function takeParagraph(lines) {
  const first = lines.shift();
  const starts = (line) =>
    !line.trim() || [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line));
  return [first, ...takeWhile(lines, (line) => !starts(line))];
}

function fence(lines) {
  const [, mark] = lines.shift().match(FENCE);
  const body = takeWhile(lines, (line) => !line.trim().startsWith(mark));
  lines.shift();
  return h("pre", {}, body.join("\n"));
}

function heading(line) {
  const [, marks, text] = line.match(HEADING);
  return h(
    "p",
    { class: "md-heading", role: "heading", "aria-level": marks.length, dataset: { level: marks.length } },
    inline(text),
  );
}

function list(lines) {
  const [, margin, mark] = lines[0].match(ITEM);
  const ordered = /\d/.test(mark);
  const items = [];
  while (lines.length && ITEM.test(lines[0]) && lines[0].match(ITEM)[1].length >= margin.length) {
    const [, indent, , text] = lines[0].match(ITEM);
    if (indent.length > margin.length + 1 && items.length) items.at(-1).append(list(lines));
    else {
      lines.shift();
      const task = text.match(/^\[([ xX])\] (.*)$/);
      items.push(h("li", {}, task ? [task[1] === " " ? "☐ " : "☑ ", inline(task[2])] : inline(text)));
    }
  }
  return h(ordered ? "ol" : "ul", { start: ordered ? Number.parseInt(mark, 10) : null }, items);
}

function cells(line) {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replace(/\\\|/g, "|"));
}

function table(lines) {
  const head = cells(lines.shift());
  lines.shift();
  const rows = takeWhile(lines, (line) => line.includes("|"));
  const row = (line) =>
    h(
      "tr",
      {},
      head.map((_, index) => h("td", {}, inline(cells(line)[index] ?? ""))),
    );
  return h(
    "div",
    { class: "table-scroll" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((cell) => h("th", { scope: "col" }, inline(cell))),
        ),
      ),
      h("tbody", {}, rows.map(row)),
    ),
  );
}

const INLINE = [
  [/\\([\\`*_{}[\]()#+.!|~>-])/, (match) => match[1]],
  [/(`+)(.+?)\1/, (match) => h("code", {}, match[2].trim())],
  [
    /!?\[([^\]]*)\]\(\s*<?((?:[^()\s>]|\([^()\s]*\))+)>?(?:\s+"[^"]*")?\s*\)/,
    (match) => link(match[2], match[1] || match[2]),
  ],
  [/<(https?:[^<>\s]+)>/, (match) => link(match[1], match[1])],
  [
    /\*\*(?=\S)(.+?)(?<=\S)\*\*|__(?=\S)(.+?)(?<=\S)__/s,
    (match) => h("strong", {}, inline(match[1] ?? match[2])),
  ],
  [
    /\*(?=[^\s*])([^*]+?)(?<=\S)\*|(?<!\w)_(?=\S)([^_]+?)(?<=\S)_(?!\w)/s,
    (match) => h("em", {}, inline(match[1] ?? match[2])),
  ],
  [/~~(?=\S)(.+?)(?<=\S)~~/s, (match) => h("s", {}, inline(match[1]))],
  [/https?:\/\/[^\s<>"'|*]+[^\s<>"'|*.,;:!?)\]}]/, (match) => link(match[0], match[0])],
];

// Each mark found costs a search through the rest: a longer paragraph is shown as it was written.
const LONGEST_STYLED = 4_000;

/** The earliest of the marks in `text`, then the rest. */
function inline(text) {
  if (text.length > LONGEST_STYLED) return withEmoji(text);
  const out = [];
  let rest = text;
  while (rest) {
    const found = INLINE.map(([pattern, make]) => ({ match: rest.match(pattern), make })).filter(
      ({ match }) => match,
    );
    if (!found.length) break;
    const { match, make } = found.reduce((best, one) => (one.match.index < best.match.index ? one : best));
    out.push(...withEmoji(rest.slice(0, match.index)), make(match));
    rest = rest.slice(match.index + match[0].length);
  }
  return [...out, ...withEmoji(rest)];
}
