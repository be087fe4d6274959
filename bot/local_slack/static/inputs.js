/** Elements that are typed into or ticked. Each gets a `field`: its value, how to keep it, how to tell the app. */
import { announcer } from "./announce.js";
import { freshId, h } from "./dom.js";
import { textObject, words } from "./text.js";

export function plainTextInput(element, field) {
  const value = field.value({ type: element.type, value: element.initial_value ?? null }).value ?? "";
  const input = h(element.multiline ? "textarea" : "input", {
    class: "text-input",
    value,
    placeholder: words(element.placeholder) || null,
    rows: element.multiline ? 4 : null,
    autocomplete: "off",
    ...field.hooks,
  });
  if (element.multiline) growing(input);
  typed(input, element, field);
  return element.max_length ? [input, counter(input, element.max_length)] : input;
}

/** number_input: the server says what is wrong with a value. */
export function numberInput(element, field) {
  const value = field.value({ type: element.type, value: element.initial_value ?? null }).value ?? "";
  const input = h("input", {
    class: "text-input",
    value,
    placeholder: words(element.placeholder) || null,
    autocomplete: "off",
    inputmode: "decimal",
    ...field.hooks,
  });
  typed(input, element, field);
  return input;
}

function typed(input, element, field) {
  const current = () => ({ type: element.type, value: input.value === "" ? null : input.value });
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  input.addEventListener("input", () => {
    field.keep(current());
    if (triggers.includes("on_character_entered")) field.dispatch(current(), input);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || element.multiline) return;
    if (!field.dispatches || !triggers.includes("on_enter_pressed")) return;
    event.preventDefault();
    field.dispatch(current(), input);
  });
}

function growing(area) {
  const grow = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, window.innerHeight * 0.5)}px`;
  };
  area.addEventListener("input", grow);
  requestAnimationFrame(grow);
}

const PAUSE_MS = 1_000;
const NEARLY_FULL = 0.1;

/**
 * How many characters are left, once half of them are used; over the limit it turns red, and the server refuses. It is
 * read out in a pause of the typing only, and only where little room is left.
 */
function counter(input, most) {
  const shown = h("span", { class: "counter" });
  const { node, say } = announcer();
  let timer = null;
  const count = () => {
    const left = most - [...input.value].length;
    shown.textContent = `${left.toLocaleString()} of ${most.toLocaleString()} characters left`;
    shown.hidden = left > most / 2;
    shown.classList.toggle("over", left < 0);
    clearTimeout(timer);
    timer = setTimeout(() => say(left <= most * NEARLY_FULL ? shown.textContent : ""), PAUSE_MS);
  };
  input.addEventListener("input", count);
  count();
  return [shown, node];
}

export function datepicker(element, field) {
  const value =
    field.value({ type: element.type, selected_date: element.initial_date ?? null }).selected_date ?? "";
  const input = h("input", { type: "date", class: "text-input date", value, ...field.hooks });
  input.addEventListener("change", () =>
    field.change({ type: element.type, selected_date: input.value || null }, input),
  );
  return input;
}

export function checkboxes(element, field) {
  let chosen = field.value({
    type: element.type,
    selected_options: element.initial_options ?? [],
  }).selected_options;
  const group = h("div", { class: "choices", role: "group", ...field.hooks });
  const choose = (option, on) => {
    const others = chosen.filter((one) => one.value !== option.value);
    chosen = on ? [...others, option] : others;
    field.change({ type: element.type, selected_options: chosen }, group);
  };
  group.append(
    ...element.options.map((option) =>
      choice(
        "checkbox",
        freshId("box"),
        option,
        chosen.some((one) => one.value === option.value),
        (on) => choose(option, on),
      ),
    ),
  );
  return group;
}

export function radioButtons(element, field) {
  const chosen = field.value({
    type: element.type,
    selected_option: element.initial_option ?? null,
  }).selected_option;
  const group = h("div", { class: "choices", role: "radiogroup", ...field.hooks });
  const name = freshId("radio");
  group.append(
    ...element.options.map((option) =>
      choice("radio", name, option, chosen?.value === option.value, () =>
        field.change({ type: element.type, selected_option: option }, group),
      ),
    ),
  );
  return group;
}

function choice(type, name, option, checked, onChange) {
  const input = h("input", {
    type,
    name,
    checked,
    dataset: { value: option.value },
    on: { change: (event) => onChange(event.target.checked) },
  });
  const description = option.description
    ? h("span", { class: "choice-description" }, textObject(option.description))
    : null;
  return h(
    "label",
    { class: "choice" },
    input,
    h("span", {}, h("span", {}, textObject(option.text)), description),
  );
}
