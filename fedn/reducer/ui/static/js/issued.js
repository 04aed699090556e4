// A token is shown once, where it was made: <form data-api="/api/v1/tokens" data-then="" data-issued="ID OF A BOX">.
//   data-option="--name" on a field makes it an option of the command that is shown, whether it is sent or not
//   data-for="client" shows a part of the form only while that role is chosen
// In the box, data-of="join" is filled with that part of the answer; also "command", "command-file", "settings" (a button
// that downloads them), "expires_at", "warning" and "role". What bears data-when="settings" shows where there is that part.
// <button data-copy="ID"> copies the text of an element, wherever it stands.
export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-issued]")) {
    form.addEventListener("answered", ({ detail }) => show(form, detail));
    const role = form.elements.role;
    if (role?.tagName === "SELECT") {
      role.addEventListener("change", () => choose(form, role.value));
      choose(form, role.value);
    }
  }
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-copy]");
  if (button) copy(button);
});

function choose(form, role) {
  for (const part of form.querySelectorAll("[data-for]")) {
    part.hidden = part.dataset.for !== role;
    for (const field of part.querySelectorAll("input")) field.disabled = part.hidden;
  }
}

function show(form, made) {
  const box = document.getElementById(form.dataset.issued);
  const options = [...form.elements]
    .filter((field) => field.dataset.option && !field.disabled && field.value.trim())
    .map((field) => ` ${field.dataset.option} ${quoted(field.value.trim())}`)
    .join("");
  const runs = ["client", "combiner"].includes(made.role);
  const parts = {
    ...made,
    command: `export FEDN_JOIN=${quoted(made.join)}\n${runs ? `fedn run ${made.role}${options}` : "fedn network show"}`,
    "command-file": `fedn run client --init client.yaml${options}`,
    expires_at: new Date(made.expires_at * 1000).toLocaleString(),
  };
  for (const part of box.querySelectorAll("[data-when]")) part.hidden = !parts[part.dataset.when];
  for (const part of box.querySelectorAll("[data-of]")) {
    if (part.dataset.of === "settings") part.onclick = () => save("client.yaml", made.settings);
    else part.textContent = parts[part.dataset.of];
  }
  box.hidden = false;
  box.focus();
}

function save(name, text) {
  const href = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  Object.assign(document.createElement("a"), { href, download: name }).click();
  URL.revokeObjectURL(href);
}

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const said = (button.dataset.said ??= button.textContent);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    window.getSelection().selectAllChildren(source);
    button.textContent = "Selected: copy it with the keyboard";
  }
  setTimeout(() => (button.textContent = said), 3000);
}
