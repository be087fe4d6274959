/** The table block: its first row is the head. */
import { h } from "./dom.js";
import { richText } from "./richtext.js";

export function tableNode(block) {
  const [head = [], ...rows] = block.rows ?? [];
  const settings = block.column_settings ?? [];
  const row = (cells, tag) =>
    h(
      "tr",
      {},
      cells.map((cell, index) =>
        h(tag, { scope: tag === "th" ? "col" : null, class: cellClass(settings[index]) }, cellNode(cell)),
      ),
    );
  return h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "group", "aria-label": "Table" },
    h(
      "table",
      {},
      h("thead", {}, row(head, "th")),
      h(
        "tbody",
        {},
        rows.map((cells) => row(cells, "td")),
      ),
    ),
  );
}

function cellNode(cell) {
  return cell?.type === "rich_text" ? richText(cell) : String(cell?.text ?? cell?.value ?? "");
}

function cellClass(setting) {
  const align = ["left", "center", "right"].includes(setting?.align) ? `align-${setting.align}` : "";
  return `${align} ${setting?.is_wrapped ? "wrapped" : ""}`.trim() || null;
}
