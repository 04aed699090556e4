// The parts of the graph: what stands for the reducer, a combiner, a client, and for many clients as one.
import { CLUSTER } from "./layout.js";
import { svg } from "./svg.js";

// State of a client → its class, its sign as a path, and what it is called.
export const STATES = {
  idle: ["idle", "", "connected"],
  asked: ["asked", "M0 0h.01", "asked"],
  working: ["working", "M0 -4.5a4.5 4.5 0 0 1 0 9z", "training or validating"],
  uploading: ["uploading", "M0 4V-4M-3.5 -.5L0 -4L3.5 -.5", "uploading"],
  answered: ["answered", "M-3.8 .2L-1 3.2L3.8 -2.8", "answered"],
  failed: ["failed", "M-3 -3L3 3M3 -3L-3 3", "failed, or too late"],
};

export const SIGNS = { ok: "●", warn: "▲", bad: "■" };

// A part's class, and what it is called for who does not see it.
export function described({ kind, name }, { state, states, count, text, title }) {
  if (kind === "client") return [STATES[state][0], `Client ${title}, ${STATES[state][2]}`];
  if (kind === "reducer") return [state, `Reducer, ${text}`];
  if (kind === "combiner") return [state, `Combiner ${title}, ${text}`];
  return ["", `${count} clients of ${name}: ${Object.entries(states).map(([one, number]) => `${number} ${STATES[one][2]}`).join(", ")}`];
}

export function shape(kind) {
  if (kind === "client") return [dot("idle")];
  if (kind === "cluster") return [];
  if (kind === "reducer") return [svg("rect", { class: "box", x: -64, y: -24, width: 128, height: 48, rx: 24 })];
  const bar = { x: -56, y: 20, height: 4, rx: 2 };
  const box = svg("rect", { class: "box", x: -64, y: -24, width: 128, height: 54, rx: 8 });
  return [box, svg("rect", { class: "all", width: 112, ...bar }), svg("rect", { class: "load", width: 0, ...bar })];
}

export function texts(kind) {
  if (kind === "client") return [svg("text", { class: "name" })];
  const [upper, lower] = kind === "cluster" ? [1, 14] : [-4, 13];
  return [svg("text", { class: "title", y: upper }), svg("text", { class: "text", y: lower })];
}

export function dot(state) {
  const [css, sign] = STATES[state];
  return svg("g", { class: `dot ${css}` }, svg("circle", { r: 8.5 }), svg("path", { d: sign }));
}

// Many clients as one: a ring of the shares of their states.
export function ring({ count, states }) {
  const around = 2 * Math.PI * (CLUSTER - 5);
  let before = 0;
  const arcs = Object.entries(states).map(([state, number]) => {
    const length = (around * number) / count;
    const arc = svg("circle", { class: `arc ${state}`, r: CLUSTER - 5, "stroke-dasharray": `${length} ${around - length}`, "stroke-dashoffset": -before });
    before += length;
    return arc;
  });
  return [svg("circle", { class: "ground", r: CLUSTER }), ...arcs];
}

// Names of one network often differ in their ends.
export function clip(name, length) {
  const signs = [...name];
  const kept = (length - 1) / 2;
  return signs.length > length ? `${signs.slice(0, Math.ceil(kept)).join("")}…${signs.slice(-Math.floor(kept)).join("")}` : name;
}
