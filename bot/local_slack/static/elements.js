/** The interactive elements of Block Kit, and how each one speaks to the app. */
import { h, icon, safeImageUrl, safeUrl } from "./dom.js";
import { confirmed } from "./confirm.js";
import { checkboxes, datepicker, numberInput, plainTextInput, radioButtons } from "./inputs.js";
import { overflow, select } from "./select.js";
import { textObject, words } from "./text.js";

const KINDS = {
  button,
  image,
  overflow,
  checkboxes,
  datepicker,
  number_input: numberInput,
  plain_text_input: plainTextInput,
  radio_buttons: radioButtons,
  static_select: select,
  multi_static_select: select,
  users_select: select,
};

/**
 * One element of `block` on a surface. `input` says that it stands in an input block, where only
 * `dispatch_action` tells the app before the form is sent. `more` adds attributes such as an id.
 */
export function elementNode(element, block, surface, { input = false, label = null, more = {} } = {}) {
  const make = Object.hasOwn(KINDS, element.type) ? KINDS[element.type] : unsupported;
  return make(element, fieldOf(element, block, surface, { input, label, more }));
}

function fieldOf(element, block, surface, { input, label, more }) {
  const blockId = block.block_id ?? "";
  const act = async (value, node) => {
    if (await confirmed(element.confirm))
      await surface.act(blockId, { action_id: element.action_id, ...value }, node);
  };
  const dispatches = !input || block.dispatch_action === true;
  const keep = (value) => surface.form.set(blockId, element.action_id, value);
  return {
    hooks: { dataset: { actionId: element.action_id, blockId }, ...more },
    label: label ?? null,
    dispatches,
    value: (initial) => surface.form.field(blockId, element.action_id, initial),
    keep,
    act,
    dispatch: (value, node) => (dispatches ? act(value, node) : null),
    change(value, node) {
      keep(value);
      return dispatches ? act(value, node) : null;
    },
  };
}

function button(element, field) {
  const style = { primary: " primary", danger: " danger" }[element.style] ?? "";
  const address = element.url ? safeUrl(element.url) : null;
  const props = { class: `button${style}`, "aria-label": element.accessibility_label, ...field.hooks };
  const target = address
    ? { href: address, target: "_blank", rel: "noopener noreferrer" }
    : { type: "button" };
  const node = h(
    address ? "a" : "button",
    { ...props, ...target },
    h("span", { class: "button-words" }, textObject(element.text)),
  );
  node.addEventListener("click", () => {
    if (node.getAttribute("aria-busy") === "true") return;
    field.act(
      {
        type: "button",
        text: element.text,
        ...(element.value === undefined ? {} : { value: element.value }),
      },
      node,
    );
  });
  return node;
}

function image(element) {
  const url = safeImageUrl(element.image_url ?? element.slack_file?.url);
  if (!url) return h("span", { class: "unsupported" }, element.alt_text || "image");
  return h("img", {
    class: "element-image",
    src: url,
    alt: element.alt_text ?? "",
    title: element.alt_text,
    referrerpolicy: "no-referrer",
  });
}

function unsupported(element) {
  return h(
    "span",
    { class: "unsupported", title: words(element.text) || null },
    `Not shown here: ${element.type}`,
  );
}

/** Show that an element waits for the app; the returned function ends it. */
export function busy(node) {
  node.setAttribute("aria-busy", "true");
  return () => node.removeAttribute("aria-busy");
}

/** Slack's small warning near what failed; a newer one takes its place. */
export function warn(place, text) {
  place.querySelector(":scope > .warning-line")?.remove();
  if (text) place.append(h("div", { class: "warning-line", role: "alert" }, icon("warning"), text));
}
