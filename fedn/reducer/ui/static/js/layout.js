// Where the parts of the network stand in the graph: the reducer in the middle, combiners around it, and around each
// combiner its clients, in rings that fill from the outside in. A part keeps its place by name for as long as it is there.
// Where that would be too small to read it is columns: the reducer on top, its combiners below, and their clients beside.
const REACH = 92; // from a combiner to its first ring of clients
const WIDER = 1.35; // rings are as much wider than high, as what stands in the middle is
const RING = 24; // from one ring to the next
const APART = 26; // between two clients of a ring
const FEW = 12; // the places of the first ring, which have room for names
const MANY = 200; // clients of a combiner that are drawn one by one at most …
const ALL = 400; // … and of all combiners together; beyond that, or where they would be too small, more than a few are drawn as one
const CLOSE = 200; // from the reducer to a combiner at least
const BESIDE = 120; // from a combiner to its clients that are drawn as one

const HIGH = 640; // pixels
const MOST = 1.25; // scale of a small network
const LEGIBLE = 0.85; // scale at which combiners stay when all else gets smaller …
const LARGER = 1.5; // … as far as their rings of clients leave room, …
const LEAST = 0.75; // … and at which they would be too small
const LETTERS = 0.92; // scale of clients' names …
const LONGER = 1.6; // … as far as there is room for them

const COLUMN = 296; // of a column: its width, …
const [TRUNK, BOX, CLIENT, CLUSTERED] = [8, 88, 178, 216]; // … and where things stand in it
const [TOP, ROW, ROW_OF_CLUSTERS, STEP] = [84, 68, 88, 20];

export const CLUSTER = 36; // radius of clients that are drawn as one

// How many places, and angles from the direction that leads away from the reducer.
const places = (ring) => (ring ? 2 * Math.floor((Math.PI * (REACH + RING * ring)) / APART) : FEW);

function place(slot) {
  let ring = 0;
  for (; slot >= places(ring); ring++) slot -= places(ring);
  const step = (2 * Math.PI) / places(ring);
  return { radius: REACH + RING * ring, angle: (slot % 2 ? -1 : 1) * step * (Math.floor(slot / 2) + 0.5) };
}

// Names to numbers, the least free one each: whoever comes or goes moves nobody else.
class Slots {
  #taken = new Map();

  keep(names) {
    const here = new Set(names);
    for (const name of this.#taken.keys()) if (!here.has(name)) this.#taken.delete(name);
    const used = new Set(this.#taken.values());
    let free = 0;
    for (const name of names) {
      if (this.#taken.has(name)) continue;
      while (used.has(free)) free++;
      used.add(free);
      this.#taken.set(name, free);
    }
    return this.#taken;
  }
}

// clients: combiner → its clients' names; slots: combiner → Slots, kept from one call to the next; width in pixels.
// Answers with { at: key → [x, y], clusters: Set of combiners, box, scale, larger: of combiners, letters: of clients'
// names, 0 where there is no room for them; route: how a line leads from one point to another }.
export function arrange(clients, slots, { width }) {
  for (const name of clients.keys()) if (!slots.has(name)) slots.set(name, new Slots());
  const upright = width < 560;
  if (upright && clients.size > 2) return columns(clients, slots, width);
  const counts = [...clients.values()].map((names) => names.length);
  for (const most of counts.reduce((a, b) => a + b, 0) > ALL ? [FEW] : [MANY, FEW]) {
    const { at, clusters } = around(clients, slots, { most, upright });
    const named = Math.max(0, ...counts) <= FEW && fit(at, width, 1);
    const { box, scale, letters } = named && named.letters <= LONGER ? named : fit(at, width, 0);
    const larger = Math.min(LARGER, Math.max(1, LEGIBLE / scale));
    const route = ([x1, y1], [x2, y2]) => `M${x1} ${y1}L${x2} ${y2}`;
    if (scale * larger >= LEAST) return { at, clusters, box, scale, larger, letters, route };
  }
  return columns(clients, slots, width);
}

function around(clients, slots, { most, upright }) {
  const combiners = [...clients.keys()];
  const clusters = new Set(combiners.filter((name) => clients.get(name).length > most));
  const placed = new Map();
  let [widest, behind] = [REACH, 0];
  for (const name of combiners) {
    const taken = clusters.has(name) ? new Map() : slots.get(name).keep(clients.get(name));
    const spots = [...taken].map(([client, slot]) => [client, place(slot)]);
    placed.set(name, spots);
    widest = Math.max(widest, ...spots.map(([, { radius }]) => radius));
    if (spots.length > FEW / 2) behind = Math.max(behind, widest);
  }
  const count = combiners.length;
  const disc = (clusters.size ? Math.max(widest, BESIDE + CLUSTER) : widest + 24) * WIDER;
  const reach = Math.max(upright && count < 3 ? 150 : CLOSE, (behind + 84) * (upright ? 1 : WIDER), count > 2 ? disc / Math.sin(Math.PI / count) : 0);
  const at = new Map([["reducer", [0, 0]]]);
  combiners.forEach((name, index) => {
    const way = (upright ? Math.PI / 2 : 0) + (2 * Math.PI * index) / count;
    const [x, y] = [reach * Math.cos(way), reach * Math.sin(way)];
    at.set(`combiner ${name}`, [x, y]);
    const put = (key, radius, angle) => at.set(key, [x + WIDER * radius * Math.cos(angle), y + radius * Math.sin(angle)]);
    if (clusters.has(name)) put(`cluster ${name}`, BESIDE, way);
    for (const [client, { radius, angle }] of placed.get(name)) put(`client ${client}`, radius, way + angle);
  });
  return { at, clusters };
}

function columns(clients, slots, width) {
  const combiners = [...clients.keys()];
  const count = Math.max(1, Math.min(combiners.length, Math.floor(width / COLUMN)));
  const each = Math.ceil(combiners.length / count);
  const clusters = new Set(combiners.filter((name) => clients.get(name).length > FEW));
  const row = clusters.size ? ROW_OF_CLUSTERS : ROW;
  const at = new Map([["reducer", [BOX, 0]]]);
  combiners.forEach((name, index) => {
    const [x, y] = [COLUMN * Math.floor(index / each), TOP + row * (index % each)];
    at.set(`combiner ${name}`, [x + BOX, y]);
    if (clusters.has(name)) return at.set(`cluster ${name}`, [x + CLUSTERED, y]);
    const inOrder = [...slots.get(name).keep(clients.get(name))].sort(([, a], [, b]) => a - b);
    const line = Math.max(FEW / 2, Math.ceil(inOrder.length / 2));
    const lines = Math.ceil(inOrder.length / line);
    inOrder.forEach(([client], place) => at.set(`client ${client}`, [x + CLIENT + STEP * (place % line), y + 1.2 * STEP * (Math.floor(place / line) - (lines - 1) / 2)]));
  });
  const box = [0, -28, count * COLUMN, TOP + row * (each - 1) + 28 + row / 2];
  const trunk = (x) => x - BOX + TRUNK;
  const route = ([x1, y1], [x2, y2]) => (y1 === 0 ? `M${x1} ${y1}V${TOP / 2}H${trunk(x2)}V${y2}H${x2}` : `M${x1} ${y2}H${x2}`);
  return { at, clusters, box, scale: Math.min(MOST, width / box[2]), larger: 1, letters: 0, route };
}

// The box around all, and its scale; with clients' names as large as they have to be to be read, which makes it wider.
function fit(at, width, letters) {
  for (let again = 0; ; again++) {
    const box = bounds(at, letters);
    const scale = Math.min(MOST, width / box[2], HIGH / box[3]);
    const wanted = letters && Math.max(1, LETTERS / scale);
    if (again === 8 || wanted <= letters) return { box, scale, letters: Math.max(wanted, letters) };
    letters = wanted;
  }
}

function bounds(at, letters) {
  let [left, top, right, bottom] = [-100, -44, 100, 44];
  for (const [key, [x, y]] of at) {
    const [wide, high] = key.startsWith("client ") ? [14 + 86 * letters, 18] : key.startsWith("cluster ") ? [CLUSTER + 18, CLUSTER + 18] : [100, 44];
    left = Math.min(left, x - wide);
    right = Math.max(right, x + wide);
    top = Math.min(top, y - high);
    bottom = Math.max(bottom, y + high);
  }
  return [left, top, right - left, bottom - top];
}
