/** Menus that choose: overflow, selects of options, people and channels, one or several. */
import { h, icon, safeUrl } from "./dom.js";
import { openPopover } from "./popover.js";
import { store } from "./store.js";
import { avatar } from "./avatar.js";
import { textObject, words } from "./text.js";

export function overflow(element, field) {
  const items = (element.options ?? []).map((option) => ({
    ...optionItem(option),
    href: option.url ? safeUrl(option.url) : null,
  }));
  const button = h(
    "button",
    {
      type: "button",
      class: "button icon-button",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": "More actions",
      ...field.hooks,
    },
    icon("more"),
  );
  button.addEventListener("click", () =>
    openPopover({
      anchor: button,
      items,
      role: "menu",
      label: "More actions",
      onPick: (item) => field.act({ type: "overflow", selected_option: item.option }, button),
    }),
  );
  return button;
}

const KEYS = {
  static_select: ["selected_option", "initial_option"],
  multi_static_select: ["selected_options", "initial_options"],
  users_select: ["selected_user", "initial_user"],
};

/** static_select, multi_static_select and users_select. */
export function select(element, field) {
  const items = element.type === "users_select" ? userItems() : optionItems(element);
  const [key, first] = KEYS[element.type];
  const initial = element[first] ?? (element.type.startsWith("multi_") ? [] : null);
  const state = { value: field.value({ type: element.type, [key]: initial })[key] };
  const button = h("button", {
    type: "button",
    class: "select",
    "aria-haspopup": "listbox",
    "aria-expanded": "false",
    ...field.hooks,
  });
  const control = { element, field, items, key, button, state };
  paint(control);
  button.addEventListener("click", () =>
    Array.isArray(state.value) ? chooseMany(control) : chooseOne(control),
  );
  return button;
}

function chooseOne(control) {
  const { element, field, items, key, button, state } = control;
  openPopover({
    anchor: button,
    items,
    label: labelOf(control),
    filter: items.length > 7,
    isSelected: (item) => idOf(item.raw) === idOf(state.value),
    onPick: (item) => {
      state.value = item.raw;
      paint(control);
      field.change({ type: element.type, [key]: state.value }, button);
    },
  });
}

function chooseMany(control) {
  const { element, field, items, key, button, state } = control;
  const has = (item) => state.value.some((raw) => idOf(raw) === idOf(item.raw));
  const before = JSON.stringify(state.value);
  const most = element.max_selected_items ?? Infinity;
  openPopover({
    anchor: button,
    items,
    label: labelOf(control),
    filter: items.length > 7,
    multi: true,
    isSelected: has,
    onPick: (item) => {
      if (has(item)) state.value = state.value.filter((raw) => idOf(raw) !== idOf(item.raw));
      else if (state.value.length < most) state.value = [...state.value, item.raw];
      paint(control);
      field.keep({ type: element.type, [key]: state.value });
    },
    onClose: () =>
      JSON.stringify(state.value) !== before &&
      field.change({ type: element.type, [key]: state.value }, button),
  });
}

function paint({ element, items, button, state }) {
  const shown = [state.value ?? []]
    .flat()
    .map((raw) => items.find((item) => idOf(item.raw) === idOf(raw)) ?? { label: idOf(raw) });
  const chips = Array.isArray(state.value) && shown.length;
  const face = shown.length
    ? shown.map((item) => h("span", { class: chips ? "chip" : "select-value" }, cloned(item.label)))
    : h("span", { class: "placeholder" }, words(element.placeholder) || "Choose…");
  button.replaceChildren(h("span", { class: "select-face" }, face), icon("caret"));
}

/** Labels are nodes that also stand in the list, and a node can be in one place only. */
function cloned(label) {
  return [label].flat().map((node) => (typeof node === "string" ? node : node.cloneNode(true)));
}

function labelOf({ field, element }) {
  return field.label || words(element.placeholder) || "Choices";
}

function idOf(raw) {
  return raw && typeof raw === "object" ? raw.value : raw;
}

function optionItem(option, group) {
  return {
    value: option.value,
    raw: option,
    option,
    text: words(option.text),
    label: textObject(option.text),
    description: option.description ? textObject(option.description) : null,
    group,
  };
}

function optionItems(element) {
  if (element.option_groups)
    return element.option_groups.flatMap((group) =>
      group.options.map((option) => optionItem(option, words(group.label))),
    );
  return (element.options ?? []).map((option) => optionItem(option));
}

function userItems() {
  return store.people.map((user) => ({
    value: user.id,
    raw: user.id,
    text: `${store.nameOf(user)} ${user.name}`,
    label: store.nameOf(user),
    description: user.title,
    lead: avatar(user, "small"),
  }));
}
