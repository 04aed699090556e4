// Search and sort: <table id data-table>, with <input type="search" data-search="ID OF THE TABLE">.
// A cell sorts by its data-value where it has one. data-most="NUMBER" shows so many rows, as long tables are slow to draw. What was chosen outlives a swap of the table.
import { times } from "./times.js";

const chosen = new Map(); // table id -> { column, descending }

export function tables(root) {
  for (const table of root.querySelectorAll("table[data-table]")) {
    table.querySelectorAll("thead th:not([data-plain])").forEach((head) => sortable(table, head));
    const order = chosen.get(table.id);
    if (order) sort(table, order);
    search(table);
  }
}

function sortable(table, head) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  button.addEventListener("click", () => {
    const order = { column: head.cellIndex, descending: head.ariaSort === "ascending" };
    chosen.set(table.id, order);
    sort(table, order);
    search(table);
  });
  head.replaceChildren(button);
}

function sort(table, { column, descending }) {
  const value = (row) => row.cells[column]?.dataset.value ?? row.cells[column]?.textContent.trim() ?? "";
  const compare = (a, b) => {
    const numbers = [Number(a), Number(b)];
    return a !== "" && b !== "" && numbers.every(Number.isFinite) ? numbers[0] - numbers[1] : a.localeCompare(b, undefined, { numeric: true });
  };
  const rows = [...table.tBodies[0].rows].map((row) => [value(row), row]);
  rows.sort(([a], [b]) => (descending ? compare(b, a) : compare(a, b)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  table.tHead.rows[0].cells[column].ariaSort = descending ? "descending" : "ascending";
}

function search(table) {
  const input = document.querySelector(`input[data-search="${CSS.escape(table.id)}"]`);
  if (!input) return;
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/);
    const most = Number(table.dataset.most ?? Infinity);
    let found = 0;
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word));
      const hidden = !fits || found >= most;
      if (row.hidden !== hidden) {
        row.hidden = hidden;
        if (!hidden) times(row);
      }
      found += fits;
    }
    const count = document.querySelector(`[data-count="${CSS.escape(table.id)}"]`);
    if (count) count.textContent = found > most ? `the first ${most} of ${found} shown: search or sort for others` : `${found} shown`;
  };
  input.oninput = apply;
  apply();
}
