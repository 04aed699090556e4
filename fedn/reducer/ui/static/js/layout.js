// Where the parts of the network stand in the graph: the reducer in the middle, combiners around it, and around each
// combiner its clients, in rings that fill from the outside in. A part keeps its place by name for as long as it is there.
const REACH = 92; // from a combiner to its first ring of clients
const WIDER = 1.35; // rings are as much wider than high, as what stands in the middle is
const RING = 24; // from one ring to the next
const APART = 26; // between two clients of a ring
const FEW = 12; // the places of the first ring, which have room for names
const MANY = 200; // clients of a combiner that are drawn one by one at most …
const ALL = 400; // … and of all combiners together; beyond that, or where there is no room, more than a few are drawn as one
const CLOSE = 200; // from the reducer to a combiner at least

const BESIDE = 120; // from a combiner to its clients that are drawn as one

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
export class Slots {
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

// clients: combiner → its clients' names; slots: combiner → Slots, kept from one call to the next.
// Answers with { at: key → [x, y], clusters: Set of combiners, named: whether there is room for clients' names, box }.
export function arrange(clients, slots, { upright }) {
  const combiners = [...clients.keys()];
  const total = combiners.reduce((sum, name) => sum + clients.get(name).length, 0);
  const most = total > ALL || (upright && combiners.length > 2) ? FEW : MANY;
  const clusters = new Set(combiners.filter((name) => clients.get(name).length > most));
  const named = combiners.every((name) => clients.get(name).length <= FEW);
  const placed = new Map();
  let [widest, behind] = [REACH, 0];
  for (const name of combiners) {
    if (!slots.has(name)) slots.set(name, new Slots());
    const taken = clusters.has(name) ? new Map() : slots.get(name).keep(clients.get(name));
    const spots = [...taken].map(([client, slot]) => [client, place(slot)]);
    placed.set(name, spots);
    widest = Math.max(widest, ...spots.map(([, { radius }]) => radius));
    if (spots.length > FEW / 2) behind = Math.max(behind, widest);
  }
  const around = combiners.length;
  const disc = (clusters.size ? Math.max(widest, BESIDE + CLUSTER) : widest + 24) * WIDER;
  const reach = Math.max(upright && around < 3 ? 150 : CLOSE, (behind + 84) * (upright ? 1 : WIDER), around > 2 ? disc / Math.sin(Math.PI / around) : 0);
  const at = new Map([["reducer", [0, 0]]]);
  combiners.forEach((name, index) => {
    const way = (upright ? Math.PI / 2 : 0) + (2 * Math.PI * index) / around;
    const [x, y] = [reach * Math.cos(way), reach * Math.sin(way)];
    at.set(`combiner ${name}`, [x, y]);
    const put = (key, radius, angle) => at.set(key, [x + WIDER * radius * Math.cos(angle), y + radius * Math.sin(angle)]);
    if (clusters.has(name)) put(`cluster ${name}`, BESIDE, way);
    for (const [client, { radius, angle }] of placed.get(name)) put(`client ${client}`, radius, way + angle);
  });
  return { at, clusters, named, box: bounds(at, clients, named) };
}

function bounds(at, clients, named) {
  let [left, top, right, bottom] = [-92, -40, 92, 40];
  for (const [key, [x, y]] of at) {
    const [wide, high] = key.startsWith("client ") ? [named ? 100 : 14, 18] : key.startsWith("cluster ") ? [CLUSTER + 18, CLUSTER + 18] : [92, 40];
    left = Math.min(left, x - wide);
    right = Math.max(right, x + wide);
    top = Math.min(top, y - high);
    bottom = Math.max(bottom, y + high);
  }
  return [left, top, right - left, bottom - top];
}
