/** Block Kit: a list of blocks on a surface (message, modal or Home) as nodes. */
import { freshId, h, link, safeImageUrl } from "./dom.js";
import { elementNode } from "./elements.js";
import { markdown } from "./markdown.js";
import { richText } from "./richtext.js";
import { tableNode } from "./table.js";
import { textObject, words } from "./text.js";

/**
 * `surface` is `{form: FormState, act(blockId, action, node)}`. Every block's wrapper carries `data-block`
 * (its block_id) and `data-block-type`; every element in it carries `data-action-id` and `data-block-id`.
 */
export function renderBlocks(blocks, surface) {
  return (blocks ?? []).map((block) => {
    const render = Object.hasOwn(KINDS, block.type) ? KINDS[block.type] : unsupported;
    return h(
      "div",
      { class: `block block-${block.type}`, dataset: { block: block.block_id ?? "", blockType: block.type } },
      render(block, surface),
    );
  });
}

const KINDS = {
  header,
  section,
  divider,
  context,
  actions,
  input,
  image,
  table: tableNode,
  rich_text: richText,
  markdown: (block) => h("div", { class: "md" }, markdown(block.text)),
};

function header(block) {
  return h("h3", {}, textObject(block.text));
}

function section(block, surface) {
  const body = [
    block.text ? h("div", { class: "text" }, textObject(block.text)) : null,
    block.fields
      ? h(
          "div",
          { class: "fields" },
          block.fields.map((field) => h("div", { class: "text" }, textObject(field))),
        )
      : null,
  ];
  if (!block.accessory) return body;
  return [
    h("div", { class: "section-body" }, body),
    h(
      "div",
      { class: "accessory" },
      elementNode(block.accessory, block, surface, { label: words(block.text) }),
    ),
  ];
}

function divider() {
  return h("hr");
}

function context(block, surface) {
  return (block.elements ?? []).map((element) =>
    element.type === "image"
      ? elementNode(element, block, surface)
      : h("span", { class: "text" }, textObject(element)),
  );
}

function actions(block, surface) {
  return (block.elements ?? []).map((element) => elementNode(element, block, surface));
}

function image(block) {
  const url = safeImageUrl(block.image_url ?? block.slack_file?.url ?? block.slack_file?.url_private);
  const picture = url
    ? h("img", { src: url, alt: block.alt_text ?? "", referrerpolicy: "no-referrer" })
    : h("span", { class: "unsupported" }, block.alt_text || "image");
  return h(
    "figure",
    {},
    block.title ? h("figcaption", {}, textObject(block.title)) : null,
    url && /^https?:/.test(url) ? link(url, picture) : picture,
  );
}

/** A labelled field. What is no native control (boxes, selects) is named by `aria-labelledby`; a select also by its value. */
function input(block, surface) {
  const element = block.element ?? {};
  const [id, labelId, helpId] = [freshId("input"), freshId("label"), freshId("help")];
  const grouped = ["checkboxes", "radio_buttons"].includes(element.type);
  const named = grouped ? labelId : /_select$/.test(element.type ?? "") ? `${labelId} ${id}` : null;
  const name = [
    textObject(block.label),
    block.optional ? h("span", { class: "optional" }, " (optional)") : null,
  ];
  const label = grouped
    ? h("div", { class: "label", id: labelId }, name)
    : h("label", { class: "label", id: labelId, for: id }, name);
  const more = { id, "aria-labelledby": named, "aria-describedby": helpId };
  const control = elementNode(element, block, surface, { input: true, label: words(block.label), more });
  const hint = block.hint ? h("span", { class: "hint" }, textObject(block.hint)) : null;
  return [label, control, h("div", { class: "help", id: helpId }, hint)];
}

function unsupported(block) {
  return h("span", { class: "unsupported" }, `Not shown here: ${block.type}`);
}
