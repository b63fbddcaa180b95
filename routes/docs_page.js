// "Try it" on the documentation page. It talks to this service alone, and keeps the token only in memory.
"use strict";

let token = "";

function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function field(text, input) {
  return make("label", {}, text, input);
}

async function shown(answer) {
  const text = await answer.text();
  const kept = ["content-type", "etag", "location", "retry-after", "towpath-replaced", "x-request-id"];
  const headers = kept.filter((each) => answer.headers.has(each)).map((each) => `${each}: ${answer.headers.get(each)}`);
  let body = text;
  if ((answer.headers.get("content-type") || "").includes("json")) {
    try { body = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
  }
  return [`${answer.status} ${answer.statusText}`, ...headers, "", body.slice(0, 20000)].join("\n");
}

function signInForm() {
  const place = document.getElementById("try-sign-in");
  const email = make("input", { type: "email", autocomplete: "username" });
  const password = make("input", { type: "password", autocomplete: "current-password" });
  const pasted = make("input", { type: "password", autocomplete: "off" });
  const said = make("p", { role: "status", textContent: "Not signed in." });
  const signIn = make("button", { type: "button", textContent: "Sign in" });
  const signOut = make("button", { type: "button", textContent: "Sign out" });
  pasted.addEventListener("input", () => {
    token = pasted.value.trim();
    said.textContent = token ? "The pasted token is sent with each request." : "Not signed in.";
  });
  signIn.addEventListener("click", async () => {
    const device = { id: newId(), name: "Documentation page", platform: "Browser" };
    said.textContent = "Signing in …";
    try {
      const answer = await fetch("/v1/sign-in", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: email.value, password: password.value, device }),
      });
      const body = await answer.json();
      token = answer.ok ? body.access_token : "";
      said.textContent = answer.ok ? "Signed in; the token is good for 10 minutes." : `${body.title}. ${body.detail || ""}`;
    } catch (error) {
      said.textContent = `No answer: ${error.message}`;
    }
    password.value = pasted.value = "";
  });
  signOut.addEventListener("click", async () => {
    if (token) await fetch("/v1/sign-in", { method: "DELETE", headers: { Authorization: `Bearer ${token}` } });
    token = pasted.value = "";
    said.textContent = "Not signed in.";
  });
  place.append(
    make("h2", { textContent: "Try it" }),
    make("p", { textContent: "Sign in, or paste an access token; then open an operation. Writes are real. The token stays in this page." }),
    field("Email", email), field("Password", password), signIn, signOut, field("Access token", pasted), said,
  );
  place.hidden = false;
}

function preset(parameter) {
  if (parameter.dataset.name === "Idempotency-Key") return newId();
  if (parameter.dataset.name === "If-Match" && parameter.dataset.required) return "*";
  return "";
}

function withNewId(example) {
  const body = JSON.parse(example);
  return JSON.stringify("id" in body ? { ...body, id: newId() } : body, null, 2);
}

function tryForm(operation) {
  const { method, path } = operation.dataset;
  const inputs = Array.from(operation.querySelectorAll("[data-name]"), (parameter) => {
    const input = make("input", { type: "text", value: preset(parameter), autocomplete: "off" });
    return { name: parameter.dataset.name, place: parameter.dataset.in, input };
  });
  const body = operation.querySelector("[data-body]");
  const isJson = body && body.dataset.body.endsWith("json");
  const content = !body ? null : isJson
    ? make("textarea", { rows: 10, value: withNewId(body.textContent), spellcheck: false })
    : make("input", { type: "file" });
  const output = make("pre", { hidden: true });
  const send = make("button", { type: "button", textContent: `Send ${method}` });
  send.addEventListener("click", async () => {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const query = new URLSearchParams();
    let address = path;
    for (const { name, place, input } of inputs) {
      if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(input.value.trim()));
      else if (input.value && place === "query") query.append(name, input.value);
      else if (input.value && place === "header") headers[name] = input.value;
    }
    if (content) headers["Content-Type"] = body.dataset.body;
    if (query.size) address += `?${query}`;
    output.hidden = false;
    output.textContent = "Sending …";
    try {
      const sent = content ? (isJson ? content.value : content.files[0]) : undefined;
      output.textContent = await shown(await fetch(address, { method, headers, body: sent }));
    } catch (error) {
      output.textContent = `No answer: ${error.message}`;
    }
  });
  const fields = inputs.map(({ name, input }) => field(name, input));
  return make("div", { className: "try" }, make("strong", { textContent: "Try it" }), ...fields,
    ...(content ? [field(`Body (${body.dataset.body})`, content)] : []), send, output);
}

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const around = target && target.closest("details");
  if (around && !around.open) {
    around.open = true;
    target.scrollIntoView();
  }
}

signInForm();
for (const operation of document.querySelectorAll("details[data-method]")) {
  operation.addEventListener("toggle", () => {
    if (operation.open && !operation.querySelector(".try")) operation.lastElementChild.append(tryForm(operation));
  });
}
addEventListener("hashchange", reveal);
reveal();
