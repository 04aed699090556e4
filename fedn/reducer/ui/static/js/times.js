// Times in the reader's zone: <time datetime="…">, with data-ago for "5 sec. ago" and data-left for a countdown.
// Fields with data-utc are filled in and read in that zone, and sent in UTC; data-zone says which zone it is.
// Rows of a table that are hidden are left alone until they are shown.
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts().find(({ type }) => type === "timeZoneName").value;
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function times(root) {
  for (const element of root.querySelectorAll("time[datetime]")) if (!element.closest("tr[hidden]")) show(element);
  root.querySelectorAll("input[data-utc]").forEach(field);
  root.querySelectorAll("[data-zone]").forEach((one) => (one.textContent = `(${zone})`));
}

function field(input) {
  if (input.value) input.value = written(new Date(`${input.value}Z`), new Date(`${input.value}Z`).getTimezoneOffset());
  input.form.addEventListener("formdata", ({ formData }) => input.value && formData.set(input.name, written(new Date(input.value), 0)));
}

// As such a field has it, so many minutes behind UTC.
const written = (at, behind) => new Date(at - 60_000 * behind).toISOString().slice(0, 16);

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

setInterval(() => document.querySelectorAll("time[data-ago], time[data-left]").forEach((one) => one.closest("tr[hidden]") || relative(one)), 1000);
