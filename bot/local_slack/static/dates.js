/** Dates and times as people read them, in the browser's own locale and zone. */

const DAY = 86_400_000;

/** A Slack timestamp ("1700000000.000100", seconds) as a Date. */
export function dateOf(ts) {
  return new Date(Number.parseFloat(ts) * 1000);
}

function startOfDay(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

/** How many midnights lie between the date and now: 0 today, 1 yesterday, -1 tomorrow. */
function daysAgo(date) {
  return Math.round((startOfDay(new Date()) - startOfDay(date)) / DAY);
}

function near(date) {
  return { 0: "Today", 1: "Yesterday", "-1": "Tomorrow" }[daysAgo(date)] ?? null;
}

function show(date, options) {
  return new Intl.DateTimeFormat(undefined, options).format(date);
}

const LONG = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
const MIDDLE = { day: "numeric", month: "long", year: "numeric" };
const SHORT = { day: "numeric", month: "short", year: "numeric" };

export function dayName(ts) {
  const date = dateOf(ts);
  return (
    near(date) ??
    show(date, date.getFullYear() === new Date().getFullYear() ? { ...LONG, year: undefined } : LONG)
  );
}

export function sameDay(a, b) {
  return startOfDay(dateOf(a)).getTime() === startOfDay(dateOf(b)).getTime();
}

export function clock(ts) {
  return show(dateOf(ts), { hour: "numeric", minute: "2-digit" });
}

export function fullTime(ts) {
  return show(dateOf(ts), { ...LONG, hour: "numeric", minute: "2-digit", second: "2-digit" });
}

/** "just now", "4 minutes ago", "in 2 hours". */
export function relative(date) {
  const seconds = Math.round((date - Date.now()) / 1000);
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  for (const [unit, size] of [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ]) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}

const pretty = (date, options) => near(date) ?? show(date, options);

const TOKENS = {
  date_num: (date) => date.toISOString().slice(0, 10),
  date: (date) => show(date, MIDDLE),
  date_short: (date) => show(date, SHORT),
  date_long: (date) => show(date, LONG),
  date_pretty: (date) => pretty(date, MIDDLE),
  date_short_pretty: (date) => pretty(date, SHORT),
  date_long_pretty: (date) => pretty(date, LONG),
  time: (date) => show(date, { hour: "numeric", minute: "2-digit" }),
  time_secs: (date) => show(date, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: relative,
};

/** Slack's date format string filled in, e.g. "{date_short} at {time}"; null when the number is unusable. */
export function formatDate(seconds, format) {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return null;
  return format.replace(/\{([a-z_]+)\}/g, (whole, token) =>
    Object.hasOwn(TOKENS, token) ? TOKENS[token](date) : whole,
  );
}
