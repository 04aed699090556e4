// How far each client is in the round that is on, folded from the reducer's notices. The event "standings" of the document
// says that it has changed. Cells of a table with data-standing="NAME OF A CLIENT" show it: what each state looks like
// stands in the page, as data-state="STATE" in the template of the id "standings".
const PAUSE = 250; // ms between two events: nobody reads faster, and a round of many clients has as many notices

let at = new Map(); // client → its state
let working, timer; // what the round has clients do

export const standing = (client) => at.get(client);

// What the reducer answered for all of them.
export function begin(states) {
  at = new Map(Object.entries(states));
  show(document);
}

export function enhance(root) {
  show(root);
}

function show(root) {
  const template = document.getElementById("standings");
  if (!at.size || !template) return; // as the reducer sent it
  for (const cell of root.querySelectorAll("[data-standing]")) {
    const found = at.get(cell.dataset.standing) ?? "";
    const state = found === "working" ? working ?? template.dataset.working : found;
    if (cell.firstElementChild?.dataset.state === state) continue;
    cell.replaceChildren(template.content.querySelector(`[data-state="${CSS.escape(state)}"]`).cloneNode(true));
  }
}

function tell() {
  timer = undefined;
  show(document);
  document.dispatchEvent(new Event("standings"));
}

document.addEventListener("notice", ({ detail: { kind, data } }) => {
  if (kind === "round_started") at = new Map(data.clients.map((name) => [name, "asked"]));
  else if (kind === "round_progress") for (const one of data.clients) at.set(one.client, one.state);
  else if (kind === "session" && data.ended_at !== null) for (const name of at.keys()) at.set(name, "");
  else return;
  if (data.kind) working = data.kind === "validate" ? "validating" : "training";
  timer ??= setTimeout(tell, PAUSE);
});
