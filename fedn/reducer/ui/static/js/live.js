// Keeps the page as the reducer has it: what bears an id and data-live="KINDS OF NOTICES" is fetched anew when such a
// notice comes, and swapped where it differs. So there is one way to draw it: the page's own template. The reducer is told
// which ids are wanted, and may leave out the rest.
// Others may listen to the event "notice" of the document; its detail is { kind, data }. Two kinds come from
// here: "clock" now and then, for what changes without a notice, such as load; "resumed" when some may have been missed.
// An event that is nothing but a client saying that all is well is a "chatter": a thousand clients say much.
const KINDS = ["session", "round_started", "round_progress", "round_finished", "model", "validation", "network", "event"];
const PAUSE = 1000; // ms between two fetches …
const SHARE = 4; // … and this many times as long as the last one took, as a large network's page is work for both sides
const CLOCK = 10_000; // ms
const AGAIN = 5000; // ms before the next try, when the reducer didn't let this page watch, or can't make it now

const drawn = new WeakMap(); // element -> its markup as the reducer sent it
let source, timer, resumed = false, wanted = new Set(), rested = Date.now() + PAUSE, enhance;

export function watch(enhancer) {
  enhance = enhancer;
  document.querySelectorAll("[data-live][id]").forEach((element) => drawn.set(element, element.outerHTML));
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", ({ persisted }) => persisted && listen());
  if (!document.hidden) listen();
  setInterval(() => document.hidden || tell("clock", {}), CLOCK);
}

function come() {
  listen();
  all();
}

function all() {
  KINDS.forEach(want);
  tell("clock", {});
  if (resumed) tell("resumed", {});
  resumed = true;
}

function tell(kind, data) {
  document.dispatchEvent(new CustomEvent("notice", { detail: { kind, data } }));
  want(kind);
}

// A page that nobody looks at holds no line: the reducer has a thread for each.
function leave() {
  source?.close();
  source = undefined;
}

function listen() {
  leave();
  const own = (source = new EventSource("/api/v1/events/watch"));
  own.onopen = () => {
    say("live", "ok");
    all(); // since the page was made, or the line was lost
  };
  own.onerror = () => {
    say("out of touch, trying again", "warn");
    if (own.readyState === EventSource.CLOSED) setTimeout(() => own === source && come(), AGAIN);
  };
  for (const kind of KINDS) {
    own.addEventListener(kind, ({ data }) => {
      const told = JSON.parse(data);
      tell(kind === "event" && isChatter(told) ? "chatter" : kind, told);
    });
  }
}

const isChatter = ({ kind, level }) => kind === "client_status" && !["warning", "error"].includes(level);

function want(kind) {
  if (!document.querySelector(`[data-live~="${kind}"]`)) return;
  wanted.add(kind);
  timer ??= setTimeout(refresh, Math.max(0, rested - Date.now()));
}

async function refresh() {
  const began = Date.now();
  const kinds = [...wanted];
  wanted = new Set();
  const selector = kinds.map((kind) => `[data-live~="${kind}"][id]:not([data-returns])`).join();
  const parts = [...document.querySelectorAll(selector)];
  const headers = { accept: "text/html", "live-parts": parts.map(({ id }) => id).join(" ") };
  const response = await fetch(location.href, { headers }).catch(() => null);
  if (response?.redirected) return location.assign(response.url); // to the log-in, or to the step that is next
  if (response?.ok && document.querySelector("[data-returns]")) return location.reload(); // all of the page can be had again
  const text = response?.ok && (await response.text().catch(() => null));
  if (text) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const element of parts) if (element.isConnected) swap(element, fresh.getElementById(element.id));
  } else {
    kinds.forEach((kind) => wanted.add(kind)); // still
  }
  if (parts.length && source?.readyState === EventSource.OPEN) {
    text ? say("live", "ok") : say("not up to date, trying again", "warn");
  }
  const pause = text ? Math.max(PAUSE, SHARE * (Date.now() - began)) : AGAIN;
  rested = Date.now() + pause;
  timer = wanted.size ? setTimeout(refresh, pause) : undefined;
}

function swap(element, fresh) {
  if (!fresh || fresh.outerHTML === drawn.get(element)) return;
  const markup = fresh.outerHTML;
  const held = document.activeElement;
  const at = focusable(element).indexOf(held);
  const open = [...element.querySelectorAll("details[open][id]")].map((one) => one.id);
  const ticked = [...element.querySelectorAll("input:checked[id]")].map((one) => one.id);
  const left = [...element.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  element.replaceWith(fresh);
  drawn.set(fresh, markup);
  open.forEach((id) => fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", ""));
  ticked.forEach((id) => fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("checked", ""));
  fresh.querySelectorAll(".scroll").forEach((one, index) => (one.scrollLeft = left[index] ?? 0));
  enhance(fresh);
  if (at >= 0) refocus(fresh, held, at);
}

const focusable = (root) => [root, ...root.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
const called = (one) => one.id || one.getAttribute("href") || one.ariaLabel || one.textContent;

// The focus goes to what is called as before, or else stands in its place: never to the start of the page.
function refocus(fresh, held, at) {
  const now = focusable(fresh);
  const next = now.find((one) => called(one) === called(held)) ?? now[Math.min(at, now.length - 1)];
  next.focus({ preventScroll: true });
  if (document.activeElement !== next) document.getElementById("main").focus({ preventScroll: true });
}

function say(text, state) {
  const line = document.getElementById("line");
  line.textContent = text;
  line.className = `state ${state}`;
}
