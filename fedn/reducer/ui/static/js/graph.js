// The graph of the network: <div data-graph="ADDRESS OF ITS JSON"> with an <svg>, .signs and a .panel in it.
// Drawn anew from what the reducer answers when it says that something changed; how far clients are in a round is kept by
// standings.js. What is there already is changed in place.
import { arrange } from "./layout.js";
import { facts, tally } from "./facts.js";
import { clip, described, dot, ring, shape, SIGNS, STATES, texts } from "./parts.js";
import { begin, standing } from "./standings.js";
import { html, set, svg } from "./svg.js";
import { times } from "./times.js";

const PAUSE = 1000; // ms between two fetches …
const SHARE = 10; // … and this many times as long as the last one took, as a large network is work for the reducer
const MOVE = 400; // ms that a part takes to its new place
const LETTER = 12; // size of clients' names, at scale 1

const FAILED = ["rejected", "broken", "lost", "late"];

export function enhance(root) {
  for (const ground of root.querySelectorAll("[data-graph]")) new Graph(ground).start();
}

class Graph {
  nodes = new Map(); // key → { group, line, parent, x, y, … }
  slots = new Map();
  chosen = "reducer";
  pinned = false;

  constructor(ground) {
    this.ground = ground;
    this.manages = "manages" in ground.dataset;
    this.picture = ground.querySelector("svg");
    this.panel = ground.querySelector(".panel");
    this.lines = svg("g", { class: "lines" });
    this.parts = svg("g");
    this.words = svg("g", { class: "words", "aria-hidden": "true" }); // parts are named in full by their labels
    this.picture.append(this.lines, this.parts, this.words);
    ground.querySelector(".signs").append(...Object.entries(STATES).map(([state, [, , text]]) => {
      const icon = svg("svg", { viewBox: "-11 -11 22 22", "aria-hidden": "true" }, dot(state));
      return html("li", {}, icon, text);
    }));
  }

  start() {
    for (const kind of ["pointerover", "focusin", "click", "keydown"]) this.picture.addEventListener(kind, (event) => this[kind](event));
    this.panel.addEventListener("keydown", ({ key }) => key === "Escape" && this.nodes.get(this.chosen)?.group.focus());
    document.addEventListener("notice", ({ detail }) => this.notice(detail));
    document.addEventListener("standings", () => this.network && this.show());
    new ResizeObserver(() => this.network && this.draw()).observe(this.ground.querySelector(".drawing"));
    this.fetch();
  }

  notice({ kind }) {
    if (["network", "clock", "session"].includes(kind)) this.want();
  }

  want() {
    this.timer ??= setTimeout(() => this.fetch(), Math.max(PAUSE, (this.rested ?? 0) - Date.now()));
  }

  async fetch() {
    const began = Date.now();
    const response = await fetch(this.ground.dataset.graph).catch(() => null);
    this.timer = undefined;
    if (!response?.ok) return;
    this.network = await response.json();
    const { standings, reducer } = this.network;
    if (Object.keys(standings).length || !reducer.session_id) begin(standings); // between two rounds the last one stays
    this.draw();
    this.rested = Date.now() + SHARE * (Date.now() - began);
  }

  // Places, then what stands there.
  draw() {
    const clients = new Map(this.network.combiners.map(({ name }) => [name, []]));
    for (const { name, combiner } of this.network.clients) clients.get(combiner)?.push(name);
    const width = this.picture.parentElement.clientWidth;
    const { at, clusters, box, scale, larger, letters, route } = arrange(clients, this.slots, { width });
    Object.assign(this, { clusters, larger, route });
    set(this.picture, { viewBox: box.map(Math.round).join(" "), class: letters ? "named" : "" });
    this.picture.style.maxWidth = `${box[2] * scale}px`;
    this.picture.style.fontSize = `${LETTER * letters}px`;
    for (const [key, node] of this.nodes) if (!at.has(key)) this.drop(key, node);
    const parents = new Map(this.network.clients.map(({ name, combiner }) => [`client ${name}`, `combiner ${combiner}`]));
    for (const key of at.keys()) this.keep(key, key === "reducer" ? "" : key.startsWith("combiner ") ? "reducer" : parents.get(key) ?? key.replace("cluster", "combiner"));
    this.move(at);
    this.show();
  }

  keep(key, parent) {
    const node = this.nodes.get(key) ?? this.add(key);
    node.parent = parent;
  }

  add(key) {
    const kind = key.split(" ", 1)[0];
    const name = key.slice(kind.length + 1);
    const group = svg("g", { role: "button", tabindex: key === this.chosen ? 0 : -1 }, ...shape(kind));
    group.dataset.key = key;
    const words = svg("g", {}, ...texts(kind));
    const node = { kind, name, group, words, line: kind === "reducer" ? undefined : svg("path") };
    if (node.line) this.lines.append(node.line);
    this.parts.append(group);
    this.words.append(words);
    this.nodes.set(key, node);
    return node;
  }

  drop(key, node) {
    const focused = node.group === document.activeElement;
    for (const part of [node.group, node.words, node.line]) part?.remove();
    this.nodes.delete(key);
    if (key === this.chosen) this.choose("reducer", { pinned: false });
    if (focused) this.nodes.get("reducer").group.focus();
  }

  move(at) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const moves = [];
    for (const [key, to] of at) {
      const node = this.nodes.get(key);
      const from = node.at ?? this.nodes.get(node.parent)?.at ?? to; // newcomers come out of what they belong to
      node.at = to;
      moves.push({ node, from: still ? to : [node.x ?? from[0], node.y ?? from[1]], to });
    }
    cancelAnimationFrame(this.moving);
    const moved = moves.some(({ from, to }) => from[0] !== to[0] || from[1] !== to[1]);
    const began = performance.now();
    const step = (now) => {
      const share = moved ? Math.min(1, Math.max(0, (now - began) / MOVE)) : 1;
      const eased = 1 - (1 - share) ** 3;
      for (const { node, from, to } of moves) {
        node.x = from[0] + (to[0] - from[0]) * eased;
        node.y = from[1] + (to[1] - from[1]) * eased;
        const scale = node.kind === "client" ? "" : ` scale(${this.larger.toFixed(2)})`;
        const transform = `translate(${node.x.toFixed(1)} ${node.y.toFixed(1)})${scale}`;
        for (const part of [node.group, node.words]) set(part, { transform });
      }
      for (const { node } of moves) {
        const parent = this.nodes.get(node.parent);
        if (parent) set(node.line, { d: this.route(spot(parent), spot(node)) });
      }
      if (share < 1) this.moving = requestAnimationFrame(step);
    };
    step(began);
  }

  // How everything is.
  show() {
    const { reducer, combiners, clients } = this.network;
    const members = byCombiner(clients);
    this.put("reducer", { title: "Reducer", text: reducer.state, state: "ok" }, reducer);
    for (const one of combiners) {
      const own = members.get(one.name) ?? [];
      const [state, text] = !one.connected ? ["bad", "out of reach"] : one.draining ? ["warn", "draining"] : ["ok", `${one.clients} client${one.clients === 1 ? "" : "s"}`];
      this.put(`combiner ${one.name}`, { title: one.name, text, state, share: one.clients / one.max_clients }, { ...one, states: tally(own, this.state) });
      if (this.clusters.has(one.name)) this.put(`cluster ${one.name}`, { count: own.length, states: tally(own, this.state) }, one);
    }
    for (const one of clients) this.put(`client ${one.name}`, { title: one.name, state: this.state(one.name) }, { ...one, standing: standing(one.name) });
    set(this.picture, { "aria-label": `Graph of the network: the reducer, ${combiners.length} combiners, ${clients.length} clients` });
    this.tell();
  }

  state = (name) => {
    const found = standing(name) || "idle";
    return FAILED.includes(found) ? "failed" : found;
  };

  put(key, look, data) {
    const node = this.nodes.get(key);
    if (!node) return; // a client that is drawn with others as one
    node.data = data;
    const now = JSON.stringify(look);
    if (node.look === now) return;
    node.look = now;
    const { group, words, kind } = node;
    const [css, spoken] = described(node, look);
    for (const part of [group, words]) set(part, { class: `node ${kind} ${css}` });
    set(group, { "aria-label": spoken });
    const [title, text] = words.children;
    if (kind === "client") {
      set(group.querySelector("path"), { d: STATES[look.state][1] });
      const left = node.at[0] < this.nodes.get(node.parent).at[0];
      set(title, { x: left ? -14 : 14, class: left ? "name left" : "name" });
      title.textContent = clip(look.title, 12);
    } else if (kind === "cluster") {
      group.replaceChildren(...ring(look));
      title.textContent = look.count.toLocaleString();
      text.textContent = "clients";
    } else {
      title.textContent = clip(look.title, 14);
      text.textContent = `${SIGNS[look.state]} ${look.text}`;
      const load = group.querySelector(".load");
      if (load) set(load, { width: (112 * Math.min(1, look.share)).toFixed(1) });
    }
  }

  tell() {
    const node = this.nodes.get(this.chosen);
    if (!node?.data) return;
    const now = JSON.stringify([this.chosen, node.data, this.network.reducer]);
    if (this.told === now) return;
    this.told = now;
    const focused = this.panel.contains(document.activeElement) ? document.activeElement.id : undefined;
    this.panel.replaceChildren(...facts(node, { manages: this.manages }));
    times(this.panel);
    if (focused !== undefined) (document.getElementById(focused) ?? this.panel).focus();
  }

  choose(key, { pinned = this.pinned } = {}) {
    const former = this.nodes.get(this.chosen)?.group;
    if (former) set(former, { tabindex: -1, "aria-current": null });
    this.chosen = key;
    this.pinned = pinned;
    set(this.nodes.get(key).group, { tabindex: 0, "aria-current": "true" });
    this.tell();
  }

  pointerover({ target }) {
    const key = target.closest("[data-key]")?.dataset.key;
    if (key && !this.pinned) this.choose(key);
  }

  focusin({ target }) {
    if (target.dataset.key) this.choose(target.dataset.key, { pinned: true });
  }

  click({ target }) {
    const group = target.closest("[data-key]");
    if (group) group.focus();
    else this.pinned = false;
  }

  keydown(event) {
    const node = this.nodes.get(event.target.dataset.key);
    if (!node) return;
    const all = [...this.nodes];
    const beside = all.filter(([, one]) => one.parent === node.parent).map(([key]) => key);
    const index = beside.indexOf(this.chosen);
    const to = {
      ArrowRight: () => beside[(index + 1) % beside.length],
      ArrowLeft: () => beside[(index + beside.length - 1) % beside.length],
      ArrowUp: () => node.parent,
      ArrowDown: () => all.find(([, one]) => one.parent === this.chosen)?.[0],
      Home: () => "reducer",
    }[event.key]?.();
    if (event.key === "Enter" || event.key === " ") this.panel.focus();
    else if (to) this.nodes.get(to).group.focus();
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
  }
}

const spot = ({ x, y }) => [x, y].map((one) => Math.round(10 * one) / 10);

function byCombiner(clients) {
  const found = new Map();
  for (const one of clients) {
    if (!found.has(one.combiner)) found.set(one.combiner, []);
    found.get(one.combiner).push(one);
  }
  return found;
}
