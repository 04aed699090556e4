// The status page of a client. Everything that is shown comes as text and is set as text.

const PAUSE = 200; // ms between two readings
const LONGEST = 300; // characters of a reason; the log has it whole
const AGAIN = 5000; // ms until a stream that has ended for good is asked for anew

const WORDS = { out_of_reach: "out of reach", preparing: "preparing the package" };
const DONE = { train: "Training", validate: "Validation", predict: "Prediction" };

const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 5 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

let since = null; // of the state, in ms
let wanted = false;
let reading = false;

function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function put(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

function name(id, text) {
  if (at(id).textContent !== text) at(id).replaceChildren(element("bdi", text));
}

function brief(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function time(iso, format) {
  const made = element("time", format.format(new Date(iso)));
  made.dateTime = made.title = iso;
  return made;
}

function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function trouble(text) {
  put("problem", text);
  at("problem").hidden = !text;
}

function showState(status) {
  const { state } = status;
  const kind = state === "out_of_reach" ? "trouble" : ["waiting", "connecting"].includes(state) ? state : "work";
  put("state-word", WORDS[state] ?? state);
  at("state").dataset.state = kind;
  since = Date.parse(status.since);
  tick();
  trouble(status.trouble ? `Out of reach since ${clock.format(new Date(status.trouble.since))}: ${brief(status.trouble.reason)}` : "");
  document.title = `${status.name}: ${WORDS[state] ?? state}`;
}

function showFigures({ round, task, tasks, load }) {
  put("round", round === null ? "none yet" : task ? `${round}` : `${round}, over`);
  put("done", number.format(tasks.done) + (tasks.rejected ? ` (${number.format(tasks.rejected)} not taken)` : ""));
  put("failed", number.format(tasks.failed));
  put("memory", load ? `${number.format(Math.round(load.memory_bytes / 2 ** 20))} MiB` : "–");
  put("processor", load ? `${number.format(Math.round(load.processor * 100))} % of a core` : "–");
  const last = tasks.last_failure;
  at("failure").hidden = !last;
  if (last) put("failure", `Failed at ${clock.format(new Date(last.time))}, ${DONE[last.kind].toLowerCase()} of round ${last.round}: ${brief(last.reason)}`);
}

function showFacts(status) {
  name("name", status.name);
  for (const id of ["network", "reducer", "version"]) name(id, status[id] || "–");
  name("combiner", status.combiner || "none at the moment");
  name("session", status.session_id || "none yet");
  at("started").replaceChildren(time(status.started, moment));
}

function showMetrics(metrics) {
  if (!metrics.length) return;
  at("metrics").replaceChildren(
    ...metrics.map(({ kind, round, time: when, values, of }) => {
      const table = element("table");
      const kept = Object.entries(values);
      const more = of > kept.length ? `; ${kept.length} of ${of}` : "";
      table.append(element("caption", `${DONE[kind]}, round ${round}, ${clock.format(new Date(when))}${more}`));
      for (const [metric, value] of kept) {
        const row = table.insertRow();
        const head = element("th");
        head.scope = "row";
        head.append(element("bdi", metric));
        row.append(head, element("td", number.format(value)));
      }
      return table;
    }),
  );
}

function showLog(lines) {
  at("log").replaceChildren(
    ...lines.reverse().map(({ time: when, level, text }) => {
      const kind = { WARNING: "warning", ERROR: "error", CRITICAL: "error" }[level] ?? "";
      const line = element("li", "", kind);
      line.append(time(when, clock), element("span", level, "level"), element("span", text, "text"));
      return line;
    }),
  );
}

function show(status) {
  document.body.classList.remove("gone");
  showFacts(status);
  showState(status);
  showFigures(status);
  showMetrics(status.metrics);
  showLog(status.log);
}

function gone() {
  document.body.classList.add("gone");
  put("state-word", "no answer");
  at("state").dataset.state = "trouble";
  since = null;
  tick();
  trouble("The client does not answer. What stands here is the last that it said; the page goes on when it is back.");
}

function tick() {
  put("state-time", since === null ? "" : `for ${span(Date.now() - since)}`);
}

async function read() {
  wanted = true;
  if (reading) return;
  reading = true;
  while (wanted) {
    wanted = false;
    try {
      const response = await fetch("/status.json", { cache: "no-store" });
      if (!response.ok) throw new Error(await response.text());
      show(await response.json());
    } catch {
      gone();
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
  reading = false;
}

function listen() {
  const events = new EventSource("/events");
  events.onmessage = read;
  events.onerror = () => {
    gone();
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN);
  };
}

setInterval(tick, 1000);
listen();
