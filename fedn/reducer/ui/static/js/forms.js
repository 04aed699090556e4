// Forms post to the JSON interface: <form data-api="/api/v1/…">.
//   data-method="PUT"      another method than POST
//   data-then="/x/{id}"    where to go when it went well, with fields of the answer; "" stays, without it: load anew
//   data-confirm="…"       asked before
// {field} in data-api is the form's own field. Numbers and boxes that are ticked go as such, empty fields not at all;
// data-json reads a field's text as JSON, data-pairs as lines of `name = value`. With a file it goes as a form, its other
// fields in the address. A form that stays gets the event "answered", with the answer as its detail.
const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

export function handleForms(root) {
  root.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-api]");
    if (!form) return;
    event.preventDefault();
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
    clear(form);
    const buttons = [...form.querySelectorAll("button")].filter((button) => !button.disabled);
    buttons.forEach((button) => (button.disabled = true));
    try {
      follow(form, await post(form));
    } catch (problem) {
      show(form, problem);
    } finally {
      buttons.forEach((button) => (button.disabled = false));
    }
  });
}

async function post(form) {
  const file = form.querySelector('input[type="file"]');
  const fields = file ? {} : read(form);
  const address = form.dataset.api.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value));
  const path = [...form.dataset.api.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  path.forEach((name) => delete fields[name]);
  const method = form.dataset.method ?? "POST";
  if (file) return upload(form, file, method, address);
  const empty = Object.keys(fields).length === 0;
  const headers = { accept: "application/json", "x-csrf-token": csrf(), ...(empty ? {} : { "content-type": "application/json" }) };
  const response = await fetch(address, { method, headers, body: empty ? undefined : JSON.stringify(fields) }).catch(() => null);
  if (response === null) throw away();
  return answer(response.status, await response.text());
}

function read(form) {
  const found = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
    if (field.type === "checkbox") found[field.name] = field.checked;
    else if (field.value.trim() === "") continue;
    else if (field.type === "number") found[field.name] = Number(field.value);
    else if ("json" in field.dataset) found[field.name] = JSON.parse(field.value);
    else if ("pairs" in field.dataset) found[field.name] = pairs(field.value);
    else found[field.name] = field.value;
  }
  return found;
}

function pairs(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(lines.map((line) => {
    const [name, ...rest] = line.split("=");
    if (!rest.length) throw { message: `“${line}” is not of the form name = value` };
    const value = rest.join("=").trim();
    try { return [name.trim(), JSON.parse(value)]; } catch { return [name.trim(), value]; }
  }));
}

// By XMLHttpRequest, as that alone tells how far an upload is.
function upload(form, input, method, address) {
  const query = new URLSearchParams(read(form));
  query.delete(input.name);
  const body = new FormData();
  body.append(input.name, input.files[0]);
  if (input.files[0]) query.has("name") || (form.dataset.named && query.set("name", input.files[0].name));
  const bar = document.createElement("progress");
  bar.ariaLabel = "Upload";
  form.append(bar);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => Object.assign(bar, { max: total, value: loaded });
    request.onload = () => { try { resolve(answer(request.status, request.responseText)); } catch (problem) { reject(problem); } };
    request.onerror = () => reject(away());
    request.onloadend = () => bar.remove();
    request.open(method, query.size ? `${address}?${query}` : address);
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("x-csrf-token", csrf());
    request.send(body);
  });
}

function answer(status, text) {
  const found = text ? JSON.parse(text) : {};
  if (status < 400) return found;
  if (status === 401 && location.pathname !== "/login") location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  throw found.error;
}

const away = () => ({ message: "the reducer can't be reached", hint: "see whether it runs, and try again" });

function follow(form, found) {
  const then = form.dataset.then;
  if (then === undefined) location.reload();
  else if (then) location.assign(then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(found[name])));
  else form.dispatchEvent(new CustomEvent("answered", { detail: found, bubbles: true }));
}

const code = (text) => Object.assign(document.createElement("code"), { textContent: text });
const clear = (form) => form.querySelector(":scope > .problem")?.remove();

function show(form, { message, hint }) {
  const box = document.createElement("div");
  box.className = "problem";
  box.setAttribute("role", "alert");
  for (const text of [message, hint && `What to do: ${hint}`].filter(Boolean)) {
    const line = document.createElement("p");
    const parts = (text.endsWith(".") ? text : `${text}.`).split("`");
    line.append(...(parts.length % 2 ? parts.map((part, index) => (index % 2 ? code(part) : part)) : [parts.join("`")]));
    box.append(line);
  }
  form.append(box);
}
