// Times in the reader's zone: <time datetime="…">, with data-ago for "5 seconds ago" and data-left for a countdown.
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function times(root) {
  for (const element of root.querySelectorAll("time[datetime]")) show(element);
}

function show(element) {
  const at = new Date(element.dateTime);
  element.title = `${moment.format(at)} (${at.toISOString()})`;
  if (!relative(element)) element.textContent = moment.format(at);
}

function relative(element) {
  const seconds = (new Date(element.dateTime) - Date.now()) / 1000;
  const text = "left" in element.dataset ? left(seconds) : "ago" in element.dataset ? since(seconds) : "";
  if (text && text !== element.textContent) element.textContent = text;
  return text;
}

function since(seconds) {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return ago.format(Math.round(seconds / size), unit);
}

function left(seconds) {
  if (seconds <= 0) return "none";
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.ceil(seconds)} s`;
}

setInterval(() => document.querySelectorAll("time[data-ago], time[data-left]").forEach(relative), 1000);
