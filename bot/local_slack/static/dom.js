/** The one way this page makes elements: strings become text nodes, never markup. */

/**
 * Make an element. `props` may hold `class`, `dataset`, `on` (event → listener), and attributes;
 * null, undefined and false attributes are left out, true becomes an empty attribute.
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on")
      for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else if (name === "dataset") assignDataset(element, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return element;
}

function assignDataset(element, values) {
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined) element.dataset[name] = String(value);
  }
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

const FRAME_MS = 16;

/** `work` as a function that runs once, soon, however often it is called until then. */
export function soon(work) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      work();
    }, FRAME_MS);
  };
}

let counter = 0;

/** A fresh element id, for labels and descriptions. */
export function freshId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

const ICONS = {
  menu: "M3 5h14M3 10h14M3 15h14",
  close: "M5 5l10 10M15 5L5 15",
  back: "M12 4l-6 6 6 6",
  caret: "M6 8l4 4 4-4",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  reply:
    "M4 5.5A1.5 1.5 0 0 1 5.5 4h9A1.5 1.5 0 0 1 16 5.5v6a1.5 1.5 0 0 1-1.5 1.5H9l-4 3.5V13a1 1 0 0 1-1-1z",
  send: "M3.5 4l13 6-13 6 2-6zM5.5 10h6",
  down: "M10 4v12M5 11l5 5 5-5",
  check: "M4 10.5l4 4 8-9",
  eye: "M2.5 10s2.7-5 7.5-5 7.5 5 7.5 5-2.7 5-7.5 5-7.5-5-7.5-5zM10 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  warning: "M10 3l7.5 13.5h-15zM10 8v4M10 14.3h.01",
  home: "M3.5 9.5L10 4l6.5 5.5V16a.8.8 0 0 1-.8.8H12v-4.6H8v4.6H4.3a.8.8 0 0 1-.8-.8z",
  hash: "M8 3.5L6.5 16.5M13.5 3.5L12 16.5M4 7.5h13M3 12.5h13",
  file: "M5.5 3h6L15 6.5V17H5.5zM11.5 3v3.5H15",
};

/** A line icon that takes the colour of its text; decoration only, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** The address if a click may follow it (http, https, mailto), else null: `javascript:` stays text. */
export function safeUrl(address) {
  try {
    const url = new URL(String(address));
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** The address if an image may be loaded from it: http(s), a path on this server, or a bitmap data address. */
export function safeImageUrl(address) {
  const text = String(address ?? "");
  if (/^\/(?!\/)/.test(text)) return text;
  if (/^data:image\/(png|jpeg|gif|webp);base64,/.test(text)) return text;
  const url = safeUrl(text);
  return url && url.startsWith("http") ? url : null;
}

/** A link that opens elsewhere and tells its target nothing; text alone when the address is not allowed. */
export function link(address, ...children) {
  const url = safeUrl(address);
  if (url === null)
    return h("span", { class: "dead-link", title: "This address is not a web link" }, ...children);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}
