// What the panel beside the graph says of one part of the network.
import { html } from "./svg.js";

const NAMES = { idle: "not in a round", asked: "asked", working: "training or validating", uploading: "uploading", answered: "answered", failed: "failed, or too late" };
const STANDINGS = { ...NAMES, rejected: "its answer was refused", broken: "it reported a failure", lost: "it left the round", late: "the round ended first" };

// State → how many of these clients are in it, in the order of a round.
export function tally(clients, state) {
  const counts = Object.fromEntries(Object.keys(NAMES).map((name) => [name, 0]));
  for (const { name } of clients) counts[state(name)]++;
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count));
}

export function facts({ kind, name, data }, { manages }) {
  const [title, state, rows] = { reducer, combiner, client, cluster: combiner }[kind](data, name);
  const list = html("dl", { class: "list" });
  for (const [term, value] of rows) if (value !== "" && value !== undefined) list.append(html("dt", {}, term), html("dd", {}, value));
  const found = [html("h3", {}, title), html("p", {}, state), list];
  const managed = kind === "client" ? "client" : "combiner";
  if (manages && kind !== "reducer") {
    const button = html("button", { type: "button", class: "second", id: "manage-chosen", "data-manage": managed, "data-name": data.name }, `Manage this ${managed}`);
    found.push(button);
  }
  return found;
}

function reducer(data) {
  const rows = [["Version", data.version], ["Session", data.session_id && html("a", { href: `/sessions/${encodeURIComponent(data.session_id)}` }, data.session_id.slice(0, 8))], ["Newest model", data.latest_model && html("a", { href: `/models/${encodeURIComponent(data.latest_model)}` }, data.latest_model.slice(0, 8))]];
  return ["Reducer", sign(data.state === "monitoring" ? "busy" : "ok", data.state), rows];
}

function combiner(data) {
  const [css, text] = !data.connected ? ["bad", "out of reach"] : data.drained ? ["warn", "draining, by an operator"] : data.draining ? ["warn", "going down"] : data.clients >= data.max_clients ? ["warn", "full"] : ["ok", "connected"];
  const states = Object.entries(data.states ?? {}).filter(([state]) => state !== "idle");
  return [`Combiner ${data.name}`, sign(css, text), [
    ["Why", data.error],
    ["Clients", `${data.clients.toLocaleString()} of ${data.max_clients.toLocaleString()}`],
    ...states.map(([state, count]) => [`… ${NAMES[state]}`, count.toLocaleString()]),
    ["Address", `${data.host}:${data.port}`],
    ...(data.connected ? machine(data) : []),
    ["Last seen", ago(data.last_seen)],
  ]];
}

function client(data) {
  return [`Client ${data.name}`, data.leaving ? sign("busy", "moving to another combiner") : sign("ok", "connected"), [
    ["In the round", data.standing && STANDINGS[data.standing]],
    ["Combiner", data.combiner],
    ["Connected", ago(data.since)],
    ["Version", data.version],
    ...machine(data),
    ["Last seen", ago(data.last_seen)],
    ["Token", data.legacy ? "none, as in 2021" : ""],
  ]];
}

function machine({ round_trip: trip, processor, memory_bytes: memory }) {
  return [
    ["Round trip", trip === null ? "" : `${(trip * 1000).toFixed(trip < 0.01 ? 1 : 0)} ms`],
    ["Processor", `${Math.round(processor * 100)} % of a core`],
    ["Memory", memory ? `${(memory / 2 ** 20).toFixed(1)} MiB` : ""],
  ];
}

const sign = (css, text) => html("span", { class: `state ${css}` }, text);

function ago(seconds) {
  if (!seconds) return "";
  const iso = new Date(seconds * 1000).toISOString();
  return html("time", { datetime: iso, "data-ago": "" }, iso);
}
