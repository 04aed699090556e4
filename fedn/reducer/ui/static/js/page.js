// What every page does. Modules mark their ground in the templates by data- attributes; `enhance` puts them to work on
// a page, or on a part of it that was swapped for a newer one.
import { watch } from "./live.js";
import { handleForms } from "./forms.js";
import { tables } from "./tables.js";
import { times } from "./times.js";

const ON_DEMAND = { "[data-plot]": "./plots.js", "[data-graph]": "./graph.js", "[data-map]": "./map.js", "[data-standing]": "./standings.js", "[data-issued], [data-copy]": "./issued.js", "[data-managed]": "./manage.js" };

async function enhance(root) {
  times(root);
  tables(root);
  for (const [ground, module] of Object.entries(ON_DEMAND)) {
    if (root.matches?.(ground) || root.querySelector(ground)) (await import(module)).enhance(root);
  }
}

const menu = document.getElementById("menu");
menu?.addEventListener("click", () => menu.setAttribute("aria-expanded", String(menu.ariaExpanded !== "true")));

handleForms(document);
if (menu) watch(enhance); // before anything is drawn otherwise than the reducer sent it
enhance(document);
