/** A person's initials on their colour. */
import { h } from "./dom.js";
import { store } from "./store.js";

const FALLBACK = "#6b7280";

export function avatar(user, size = "large") {
  const color = colorOf(user);
  const element = h(
    "span",
    { class: `avatar avatar-${size}${user?.is_bot ? " avatar-bot" : ""}`, "aria-hidden": "true" },
    initials(user),
  );
  element.style.backgroundColor = color;
  element.style.color = isLight(color) ? "#000000" : "#ffffff";
  return element;
}

function colorOf(user) {
  const hex = String(user?.color ?? "").replace(/^#/, "");
  return /^[0-9a-f]{6}$/i.test(hex) ? `#${hex}` : FALLBACK;
}

function initials(user) {
  const parts = (user ? store.nameOf(user) : "?")
    .trim()
    .split(/[\s._-]+/)
    .filter(Boolean);
  const letters = parts.length > 1 ? [parts[0], parts.at(-1)] : parts;
  return (
    letters
      .map((part) => [...part][0])
      .join("")
      .toUpperCase() || "?"
  );
}

const ENOUGH = 4.5;

/** Whether white letters are too faint on this colour by WCAG 2; black ones then stand out by more than 4.5 : 1. */
function isLight(hex) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) < ENOUGH;
}
