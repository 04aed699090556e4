// How a figure that the reducer gives as plain data looks: in the colours of the page's style sheet, its series told
// apart by marks, dashes and hatching as well; and the figure in words, for who can't see it.
const SERIES = 9; // colours --series-1 and so on
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];
const MARKS = ["circle", "square", "diamond", "triangle-up", "x", "cross", "star"];
const HATCHES = ["", "/", "x", "", ".", "\\", "", "-", "+"];
const MARKED = 60; // points of a line that have a mark each
const BARS = 100; // that are wide enough to be told apart; more are one area
const FEW = 10; // rounds that each have a tick
const NAMED = 4; // series that are told in words, of the first and of the last

const TICK = 45; // pixels that a name under a box takes, turned
const WIDE = 110; // and a long one, as it is
const [LETTER, AXIS] = [8, 72]; // pixels of a letter, and beside the names
const TURNED = -40; // degrees, so that a name ends where it belongs
const SHORT = 20; // letters of a name that stand under a box
const LEGEND = 30; // and in a legend

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const cyclic = (list, index) => list[index % list.length];

export function dressed({ data, layout }, width) {
  const [text, quiet, line, surface] = ["--text", "--quiet", "--line", "--surface"].map(style);
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true, tickfont: { color: quiet } };
  const axes = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
  const shown = data.filter(({ type, y }) => type !== "bar" || y.some(Boolean));
  const groups = [...new Set(data.map(family))];
  const kinds = new Set(shown.map(({ type }) => type));
  const seen = new Set();
  return {
    data: shown.map((trace) => {
      const index = groups.indexOf(family(trace));
      const dress = DRESSES[trace.type]({ trace, index, surface });
      const name = brief(trace.legendgroup ?? trace.name, LEGEND);
      const named = trace.type === "box" ? {} : { name, showlegend: !(trace.legendgroup && seen.has(name)) };
      seen.add(name);
      return { ...trace, ...dress, ...named };
    }),
    layout: {
      ...layout,
      ...Object.fromEntries(axes.map((key) => [key, { ...layout[key], ...axis, ...ticks(layout[key], shown, width), title: titled(layout[key]) }])),
      title: { ...layout.title, x: 0.02, font: { size: 16 } },
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: text },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hovermode: kinds.has("box") ? "closest" : "x unified",
      hoverlabel: { bgcolor: surface, bordercolor: line, font: { color: text } },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", // a finger scrolls the page
      legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.02, yanchor: "bottom", font: { color: text } },
      margin: { l: 24, r: 12, t: 16, b: 48 },
      bargap: 0.15,
      meta: { ...layout.meta, surface },
    },
  };
}

function ticks({ title, type }, data, width) {
  // Rounds are whole numbers, even where there are few.
  if (title.text === "round") return data.every(({ x }) => x.length <= FEW) ? { dtick: 1 } : {};
  if (type !== "category") return {};
  const every = Math.ceil(data.length / Math.max(2, width / TICK));
  const named = data.map(({ name }) => name).filter((_, index) => index % every === 0);
  const texts = named.map((name) => brief(width < WIDE * data.length ? name.split(" · ")[0] : name, SHORT));
  const longest = Math.max(...texts.map((text) => plain(text).length));
  return { tickvals: named, ticktext: texts, tickangle: longest * LETTER * named.length > width - AXIS ? TURNED : 0 };
}

// One of several axes above each other is short: its unit goes on a line of its own.
const titled = ({ title, domain }) => ({ text: domain ? title.text.replace(" (", "<br>(") : title.text, standoff: 12, font: { size: 13 } });

// Boxes stand on an axis that names them: they are of one colour. Lines of one node are, too.
const family = ({ type, name, legendgroup }) => (type === "box" ? "" : legendgroup ?? name);

const colour = (index) => style(`--series-${(index % SERIES) + 1}`);

const DRESSES = {
  scatter: ({ trace, index }) => ({
    mode: trace.mode === "lines" || trace.x.length > MARKED ? "lines" : "lines+markers",
    line: { color: colour(index), width: 2, dash: cyclic(DASHES, index) },
    marker: { color: colour(index), size: 8, symbol: cyclic(MARKS, index) },
    hovertemplate: "%{y:.4~g}",
  }),
  bar: ({ trace, index, surface }) => {
    const [color, hovertemplate] = [colour(index), "%{y:.3~s}s"];
    const pattern = { shape: cyclic(HATCHES, index), bgcolor: color, fgcolor: surface, size: 6, solidity: 0.25 };
    if (trace.x.length <= BARS) return { marker: { color, line: { width: 0 }, pattern }, hovertemplate };
    return { type: "scatter", mode: "lines", stackgroup: "sum", line: { width: 0, shape: "hvh" }, fillcolor: color, fillpattern: pattern, hovertemplate };
  },
  box: ({ index }) => ({
    line: { color: colour(index), width: 1.5 },
    marker: { color: colour(index), size: 5, opacity: 0.75 },
    pointpos: 0,
    jitter: 0.4,
    hoverlabel: { namelength: -1 },
  }),
};

export function told({ data, layout }) {
  const title = (axis) => Object.keys(layout).filter((key) => key.startsWith(axis)).map((key) => layout[key].title.text).join(" and ");
  const series = data.map(({ name, y }) => [name, y.filter(Number.isFinite)]).filter(([, values]) => values.some(Boolean));
  const lines = series.map(([name, values]) => {
    const [least, most] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))].map(rounded);
    return values.length === 1 ? `${name}: ${least}` : `${name}: ${values.length} values from ${least} to ${most}, the last ${rounded(values.at(-1))}`;
  });
  const left = lines.length - 2 * NAMED;
  const shown = left > 0 ? [...lines.slice(0, NAMED), `${left} more`, ...lines.slice(-NAMED)] : lines;
  return plain(`Plot of ${title("yaxis")} by ${title("xaxis")}. ${shown.join(". ")}. The button CSV gives all values.`);
}

// The reducer writes texts so that Plotly, which takes them for markup, shows them as they are.
const marked = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const brief = (text, most) => (plain(text).length > most ? marked(`${plain(text).slice(0, most - 1)}…`) : text);
const rounded = (value) => Number(value.toPrecision(4));
