// Plots: <figure data-plot="/api/v1/plots/NAME?…"> is drawn in its .plot with what that address answers; made by the macro
// of plot.html. data-plot-kinds="KINDS OF NOTICES" fetches it anew when such a notice comes. A button with data-png saves
// it as a picture. What can't be drawn yet is said in words, in its .empty.
import { dressed, told } from "./looks.js";

const PAUSE = 3000; // ms between two fetches of one plot
const SHARE = 10; // and this many times as long as the last one took, as a long session's plot is work for the reducer
const SCALE = 2; // of a saved picture's pixels
const TITLE = 60; // pixels that the title of a picture takes
const AWAY = { message: "the reducer can't be reached", hint: "see whether it runs" };
const CONFIG = { displayModeBar: false };
const plots = new Map(); // figure -> Plot

export function enhance(root) {
  plotly().catch(() => {}); // while the data are fetched; a plot says it if that failed
  for (const figure of root.querySelectorAll("figure[data-plot]")) {
    if (plots.has(figure)) continue;
    plots.set(figure, new Plot(figure));
  }
  for (const figure of plots.keys()) if (!figure.isConnected) plots.delete(figure);
}

class Plot {
  constructor(figure) {
    this.figure = figure;
    this.ground = figure.querySelector(".plot");
    this.kinds = new Set((figure.dataset.plotKinds ?? "").split(" ").filter(Boolean));
    this.whole = figure.querySelector("[data-whole]");
    this.whole.addEventListener("click", () => this.zoomOut());
    figure.querySelector("[data-png]").addEventListener("click", () => this.save());
    new ResizeObserver(() => requestAnimationFrame(() => this.drawn && window.Plotly.Plots.resize(this.ground))).observe(this.ground);
    this.want();
  }

  // Soon, but no more often than the pause allows; what is wanted while it is fetched is fetched once more.
  want() {
    this.wanted = true;
    this.timer ??= setTimeout(() => this.fetch(), Math.max(0, (this.rested ?? 0) - Date.now()));
  }

  async fetch() {
    const began = Date.now();
    this.wanted = false;
    const address = new URL(this.figure.dataset.plot, location);
    address.searchParams.set("empty", "true");
    const response = await fetch(address, { headers: { accept: "application/json" } }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    this.rested = Date.now() + Math.max(PAUSE, SHARE * (Date.now() - began));
    this.timer = undefined;
    if (this.wanted) this.want();
    const problem = answer === null ? AWAY : answer.error ?? answer.layout.meta.empty;
    if (!problem) {
      this.answer = answer;
      await this.draw().catch(({ message }) => this.say(message));
    } else if (!this.answer) {
      this.say(...[problem.message, problem.hint].filter(Boolean));
    }
  }

  async draw() {
    const Plotly = await plotly();
    this.say();
    this.ground.ariaLabel = told(this.answer);
    const { data, layout } = dressed(this.answer, this.ground.clientWidth);
    await Plotly.react(this.ground, data, { ...layout, title: undefined, uirevision: this.figure.dataset.plot }, CONFIG);
    if (!this.drawn) this.ground.on("plotly_relayout", () => (this.whole.hidden = !this.zoomed().length));
    this.drawn = true;
  }

  // The axes of which a reader chose a part.
  zoomed() {
    const { layout } = this.ground;
    return Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key) && layout[key].autorange === false);
  }

  zoomOut() {
    window.Plotly.relayout(this.ground, Object.fromEntries(this.zoomed().map((key) => [`${key}.autorange`, true])));
  }

  // What there is instead of a plot; without words, the plot.
  say(...texts) {
    const line = this.figure.querySelector(".empty");
    line.textContent = texts.map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`).join(" ");
    line.hidden = !texts.length;
    this.ground.hidden = texts.length > 0;
    this.figure.querySelector(".toolbar").hidden = texts.length > 0;
  }

  async save() {
    const { width, height } = this.ground.getBoundingClientRect();
    const { data, layout } = dressed(this.answer, width);
    const legend = { ...layout.legend, y: -0.25, yanchor: "top" }; // as the title stands above
    const picture = { data, layout: { ...layout, legend, margin: { ...layout.margin, t: 56 }, paper_bgcolor: layout.meta.surface } };
    const link = document.createElement("a");
    link.href = await window.Plotly.toImage(picture, { format: "png", width, height: height + TITLE, scale: SCALE });
    link.download = `${this.figure.id}.png`;
    link.click();
  }
}

document.addEventListener("notice", ({ detail: { kind } }) => plots.forEach((plot) => (kind === "resumed" ? plot.kinds.size : plot.kinds.has(kind)) && plot.want()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach((plot) => plot.drawn && plot.draw()));

let loading;

function plotly() {
  loading ??= new Promise((resolve, reject) => {
    // Plotly's bundle adds the style sheet of its maps to the page, which the page's policy forbids, unless it finds an
    // element of this id: then it takes the sheet for there. No plot here is a map.
    const sheet = document.createElement("span");
    sheet.id = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
    sheet.hidden = true;
    document.body.append(sheet);
    const script = document.createElement("script");
    script.src = "/static/plotly.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("the plotting library can't be loaded"));
    document.head.append(script);
  });
  return loading;
}
