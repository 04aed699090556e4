// What an operator does with a part of the network: a button with data-manage="KIND" and data-name="NAME" opens the dialog
// data-managed="KIND". Dialogs stand outside of what is swapped, so that what they say stays to be read.
import { html } from "./svg.js";

let from; // id of the button that opened the dialog

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-manage]");
  if (button) open(button);
});
document.addEventListener("answered", ({ target }) => target.closest("dialog")?.close());

export function enhance(root) {
  for (const dialog of root.querySelectorAll("dialog[data-managed]")) {
    dialog.addEventListener("close", () => from && document.getElementById(from)?.focus()); // it may be a newer one
  }
}

async function open(button) {
  const { manage: kind, name } = button.dataset;
  const dialog = document.querySelector(`dialog[data-managed="${kind}"]`);
  from = button.id;
  dialog.querySelectorAll(".problem").forEach((box) => box.remove());
  dialog.querySelector("[data-name]").textContent = name;
  for (const form of dialog.querySelectorAll("form[data-api]")) {
    form.elements.name.value = name;
    if (form.dataset.asks) form.dataset.confirm = form.dataset.asks.replace("{name}", () => name);
  }
  const response = await fetch("/api/v1/network").catch(() => null);
  if (response?.ok) (kind === "client" ? choices : standing)(dialog, name, await response.json());
  dialog.showModal();
}

function standing(dialog, name, { combiners }) {
  const drained = combiners.find((one) => one.name === name)?.drained ?? false;
  for (const form of dialog.querySelectorAll("[data-when]")) form.hidden = (form.dataset.when === "drained") !== drained;
}

function choices(dialog, name, { combiners, clients }) {
  const at = clients.find((one) => one.name === name)?.combiner;
  const options = combiners.map((one) => {
    const why = one.name === at ? "it is there" : !one.connected ? "out of reach" : one.draining ? "draining" : one.clients >= one.max_clients ? "full" : "";
    const option = html("option", { value: one.name }, `${one.name} (${why || `${one.clients} of ${one.max_clients} clients`})`);
    option.disabled = Boolean(why);
    return option;
  });
  const some = options.some((option) => !option.disabled);
  const none = html("option", { value: "" }, some ? "choose one" : "there is none that it could go to");
  dialog.querySelector("select").replaceChildren(none, ...options);
  dialog.querySelector("select").form.querySelector("button").disabled = !some;
}
