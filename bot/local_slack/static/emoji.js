/** Emoji by their short names: the common ones. An unknown name stays as it was written. */
import { h } from "./dom.js";

const NAMES = {
  "+1": "👍", "-1": "👎", "100": "💯", "1234": "🔢", alarm_clock: "⏰", ambulance: "🚑", angry: "😠", anger: "💢",
  apple: "🍎", arrow_down: "⬇️", arrow_left: "⬅️", arrow_right: "➡️", arrow_up: "⬆️", art: "🎨", astonished: "😲",
  balloon: "🎈", bangbang: "‼️", bank: "🏦", bar_chart: "📊", battery: "🔋", beers: "🍻", bell: "🔔", bike: "🚲",
  black_square: "⬛", blue_heart: "💙", blush: "😊", boat: "⛵", bomb: "💣", book: "📖", bookmark: "🔖", books: "📚",
  boom: "💥", bow: "🙇", broken_heart: "💔", bug: "🐛", bulb: "💡", bus: "🚌", cake: "🍰", calendar: "📆", camera: "📷",
  car: "🚗", card_index: "📇", cat: "🐱", chart_with_downwards_trend: "📉", chart_with_upwards_trend: "📈",
  checkered_flag: "🏁", cherry_blossom: "🌸", clap: "👏", clipboard: "📋", clock1: "🕐", clock3: "🕒", cloud: "☁️",
  coffee: "☕", collision: "💥", computer: "💻", confetti_ball: "🎊", confused: "😕", construction: "🚧",
  convenience_store: "🏪", cop: "👮", credit_card: "💳", crossed_fingers: "🤞", cry: "😢", crystal_ball: "🔮",
  customs: "🛃", cyclone: "🌀", dart: "🎯", dash: "💨", date: "📅", department_store: "🏬", dog: "🐶", dollar: "💵",
  door: "🚪", droplet: "💧", email: "✉️", envelope: "✉️", euro: "💶", exclamation: "❗", eyes: "👀", face_palm: "🤦",
  facepalm: "🤦", factory: "🏭", fast_forward: "⏩", file_folder: "📁", fire: "🔥", flag: "🚩", floppy_disk: "💾",
  gear: "⚙️", gem: "💎", ghost: "👻", gift: "🎁", globe_with_meridians: "🌐", green_heart: "💚", grey_exclamation: "❕",
  grey_question: "❔", grimacing: "😬", grin: "😁", grinning: "😀", hammer: "🔨", hammer_and_wrench: "🛠️",
  handshake: "🤝", heart: "❤️", heart_eyes: "😍", heavy_check_mark: "✔️", heavy_exclamation_mark: "❗",
  heavy_minus_sign: "➖", heavy_multiplication_x: "✖️", heavy_plus_sign: "➕", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", house: "🏠", hugging_face: "🤗", hugs: "🤗", inbox_tray: "📥", incoming_envelope: "📨",
  information_source: "ℹ️", innocent: "😇", joy: "😂", key: "🔑", label: "🏷️", large_blue_circle: "🔵",
  large_blue_square: "🟦", large_green_circle: "🟢", large_green_square: "🟩", large_orange_circle: "🟠",
  large_purple_circle: "🟣", large_red_square: "🟥", large_yellow_circle: "🟡", laughing: "😆", leaves: "🍃",
  ledger: "📒", link: "🔗", lock: "🔒", loudspeaker: "📢", mag: "🔍", mag_right: "🔎", mailbox: "📫", man_shrugging: "🤷",
  mega: "📣", memo: "📝", microphone: "🎤", money_with_wings: "💸", moneybag: "💰", moon: "🌙", muscle: "💪",
  musical_note: "🎵", mute: "🔇", nerd_face: "🤓", new: "🆕", newspaper: "📰", no_bell: "🔕", no_entry: "⛔",
  no_entry_sign: "🚫", octagonal_sign: "🛑", ok: "🆗", ok_hand: "👌", orange_circle: "🟠", outbox_tray: "📤",
  package: "📦", page_facing_up: "📄", paperclip: "📎", partying_face: "🥳", pencil: "📝", pencil2: "✏️", pensive: "😔",
  performing_arts: "🎭", person_shrugging: "🤷", phone: "☎️", pill: "💊", pizza: "🍕", point_down: "👇",
  point_left: "👈", point_right: "👉", point_up: "☝️", pray: "🙏", pushpin: "📌", question: "❓", rabbit: "🐰",
  rage: "😡", rainbow: "🌈", raised_hand: "✋", raised_hands: "🙌", receipt: "🧾", recycle: "♻️", red_circle: "🔴",
  relaxed: "☺️", repeat: "🔁", robot_face: "🤖", robot: "🤖", rocket: "🚀", rolling_on_the_floor_laughing: "🤣",
  rose: "🌹", rotating_light: "🚨", running: "🏃", salute: "🫡", saluting_face: "🫡", scales: "⚖️", scroll: "📜",
  see_no_evil: "🙈", seedling: "🌱", shield: "🛡️", ship: "🚢", shopping_bags: "🛍️", shopping_trolley: "🛒", shrug: "🤷",
  skull: "💀", sleeping: "😴", slightly_frowning_face: "🙁", slightly_smiling_face: "🙂", smile: "😄", smiley: "😃",
  smirk: "😏", snail: "🐌", snowflake: "❄️", sob: "😭", sos: "🆘", sparkles: "✨", speech_balloon: "💬", star: "⭐",
  star2: "🌟", stopwatch: "⏱️", sunglasses: "😎", sunny: "☀️", sweat_smile: "😅", tada: "🎉", telephone_receiver: "📞",
  thinking_face: "🤔", thread: "🧵", thumbsdown: "👎", thumbsup: "👍", ticket: "🎫", timer_clock: "⏲️", toolbox: "🧰",
  train: "🚆", triangular_flag_on_post: "🚩", trophy: "🏆", truck: "🚚", tshirt: "👕", turtle: "🐢", umbrella: "☔",
  unlock: "🔓", upside_down_face: "🙃", v: "✌️", warning: "⚠️", watch: "⌚", wave: "👋", white_check_mark: "✅",
  white_circle: "⚪", white_flag: "🏳️", white_large_square: "⬜", wink: "😉", wrench: "🔧", writing_hand: "✍️", x: "❌",
  yellow_heart: "💛", yum: "😋", zap: "⚡", zipper_mouth_face: "🤐", zzz: "💤",
};

const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const pictures = new Map(); // sign → its pixels

function picture(sign) {
  if (!pictures.has(sign)) {
    canvas.clearRect(0, 0, 24, 24);
    canvas.font = '16px "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", sans-serif';
    canvas.fillText(sign, 2, 18);
    pictures.set(sign, canvas.getImageData(0, 0, 24, 24).data.join());
  }
  return pictures.get(sign);
}

/** Whether a font of this machine has the sign: it looks different from a character that cannot exist. */
function canShow(sign) {
  return picture(String.fromCodePoint(sign.codePointAt(0))) !== picture("\u{10ffff}");
}

/** A span that shows the emoji and says its name, or null for a name this page or this machine cannot show. */
export function emojiNode(name) {
  const sign = Object.hasOwn(NAMES, name) && canShow(NAMES[name]) ? NAMES[name] : null;
  return sign === null ? null : h("span", { class: "emoji", role: "img", "aria-label": name, title: `:${name}:` }, sign);
}

/** Plain text as nodes, with `:names:` of known emoji replaced by their signs. */
export function withEmoji(text) {
  const nodes = [];
  let rest = 0;
  for (const match of text.matchAll(/:([a-z0-9_+'-]+):(?::skin-tone-[2-6]:)?/g)) {
    const sign = emojiNode(match[1]);
    if (sign === null) continue;
    nodes.push(text.slice(rest, match.index), sign);
    rest = match.index + match[0].length;
  }
  nodes.push(text.slice(rest));
  return nodes.filter((node) => node !== "");
}
