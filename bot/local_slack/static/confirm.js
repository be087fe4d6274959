/** The small dialog that asks "are you sure?" before a dangerous element acts. */
import { h } from "./dom.js";
import { remembered } from "./focus.js";
import { textObject } from "./text.js";

/** Ask with Slack's confirm object; resolves to true when the person agrees. */
export function confirmed(ask) {
  if (!ask) return Promise.resolve(true);
  const back = remembered();
  return new Promise((resolve) => {
    const yes = h(
      "button",
      {
        type: "button",
        class: `button ${ask.style === "danger" ? "danger" : "primary"}`,
        dataset: { testid: "confirm-yes" },
        on: { click: () => dialog.close("yes") },
      },
      plain(ask.confirm, "Yes"),
    );
    const no = h(
      "button",
      {
        type: "button",
        class: "button",
        dataset: { testid: "confirm-no" },
        on: { click: () => dialog.close("no") },
      },
      plain(ask.deny, "Cancel"),
    );
    const dialog = h(
      "dialog",
      {
        class: "dialog confirm",
        role: "alertdialog",
        "aria-label": plain(ask.title, "Are you sure?"),
        dataset: { testid: "confirm" },
      },
      h("h2", {}, plain(ask.title, "Are you sure?")),
      h("div", { class: "confirm-text" }, ask.text ? textObject(ask.text) : null),
      h("div", { class: "dialog-foot" }, no, yes),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      back();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    yes.focus();
  });
}

function plain(text, otherwise) {
  return text?.text || otherwise;
}
