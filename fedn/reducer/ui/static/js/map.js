// The map: <figure data-map="ADDRESS OF THE PLACES"> with an <svg> in it. A plain projection (equirectangular: degrees are
// as wide everywhere), lines every 30 degrees, and land in coarse outlines. Nothing is fetched but the places.
import { set, svg } from "./svg.js";
import { LAND } from "./land.js";

const STEP = 30; // degrees between two lines
const PAUSE = 5000; // ms between two fetches

export function enhance(root) {
  for (const figure of root.querySelectorAll("[data-map]")) start(figure);
}

function start(figure) {
  const picture = figure.querySelector("svg");
  const spots = svg("g");
  set(picture, { viewBox: "-180 -90 360 180" });
  picture.append(...lines(), ...LAND.map((points) => svg("polygon", { class: "land", points: points.map(([latitude, longitude]) => `${longitude},${-latitude}`).join(" ") })), ...labels(), spots);
  let timer, drawn;
  const draw = async () => {
    timer = undefined;
    const response = await fetch(figure.dataset.map).catch(() => null);
    const text = response?.ok ? await response.text() : drawn;
    if (text === drawn) return;
    drawn = text;
    const { combiners, clients } = JSON.parse(text);
    spots.replaceChildren(...clients.map(crowd), ...combiners.filter(({ unknown }) => !unknown).map(combiner));
    const known = clients.reduce((sum, one) => sum + one.clients, 0);
    set(picture, { "aria-label": `Map with ${combiners.filter(({ unknown }) => !unknown).length} combiners and ${known} clients; the table below says where` });
  };
  document.addEventListener("notice", ({ detail: { kind } }) => (kind === "network" || kind === "clock") && (timer ??= setTimeout(draw, PAUSE)));
  draw();
}

function combiner({ name, latitude, longitude, place }) {
  const title = svg("title", {}, place ? `${name}, ${place}` : name);
  return svg("rect", { class: "combiner", x: longitude - 2.5, y: -latitude - 2.5, width: 5, height: 5, rx: 1 }, title);
}

// The area goes by how many there are.
function crowd({ latitude, longitude, clients }) {
  const radius = Math.min(12, 1.8 + 0.6 * Math.sqrt(clients));
  const circle = svg("circle", { r: radius }, svg("title", {}, `${clients} ${clients === 1 ? "client" : "clients"}`));
  return svg("g", { class: "crowd", transform: `translate(${longitude} ${-latitude})` }, circle, svg("text", { x: radius + 1, y: 1.8 }, String(clients)));
}

function lines() {
  const found = [];
  for (let at = -180; at <= 180; at += STEP) found.push(svg("line", { class: "graticule", x1: at, x2: at, y1: -90, y2: 90 }));
  for (let at = -90; at <= 90; at += STEP) found.push(svg("line", { class: "graticule", x1: -180, x2: 180, y1: at, y2: at }));
  return found;
}

function labels() {
  const found = [];
  for (let at = -150; at <= 150; at += 2 * STEP) found.push(svg("text", { class: "degrees", x: at, y: 88 }, `${Math.abs(at)}° ${at < 0 ? "W" : "E"}`));
  for (let at = -60; at <= 60; at += STEP) found.push(svg("text", { class: "degrees at", x: -179, y: -at - 1 }, at ? `${Math.abs(at)}° ${at < 0 ? "S" : "N"}` : "0°"));
  return found;
}
