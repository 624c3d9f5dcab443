// The little that the pages do in the browser: choosing a file, checking it, following its progress.
"use strict";

const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
const send = (url, body, headers = {}) =>
  fetch(url, { method: "POST", headers: { "X-CSRF-Token": csrf, ...headers }, body });

const meanings = (root) =>
  Object.fromEntries([...root.querySelectorAll("select[data-column]")].map((one) => [one.dataset.column, one.value || null]));

const form = document.querySelector("form[data-import]");
const preview = document.getElementById("preview");

function upload() {
  const given = Object.fromEntries([...new FormData(form)].filter(([name]) => name !== "file"));
  const fair = (given.fair ?? "").trim();
  const params = {
    source: given.source.trim() || fair || "list",
    stand_scan: given.stand_scan === "on",
    default_country: given.default_country || "DE",
    time_zone: given.time_zone || "Europe/Berlin",
    columns: meanings(preview),
  };
  if (fair) {
    params.fair = { name: fair };
    for (const name of ["place", "organiser", "starts", "ends"]) if (given[name]) params.fair[name] = given[name];
  }
  if (given.encoding) params.encoding = given.encoding;
  if (given.delimiter) params.delimiter = given.delimiter;
  const body = new FormData();
  body.append("file", form.elements.file.files[0]);
  body.append("params", JSON.stringify(params));
  return body;
}

function say(text, kind) {
  const line = document.createElement("p");
  line.className = kind;
  line.textContent = text;
  preview.replaceChildren(line);
}

// The page brings words in its language for what it knows; the rest is said as it came.
async function failure(answer) {
  const problem = await answer.json().catch(() => ({}));
  const words = JSON.parse(document.querySelector("[data-words]")?.dataset.words ?? "{}");
  const ours = words[problem.cause] ?? words[problem.field] ?? (problem.detail && problem.code === "invalid_parameter" ? null : words[problem.code]);
  return [preview?.dataset.failed, ...(ours ? [ours] : [problem.field, problem.detail ?? problem.title ?? answer.status])].filter(Boolean).join(" – ");
}

async function check() {
  const body = upload();
  if (!preview.querySelector("table")) say(preview.dataset.wait, "hint");
  const answer = await send("/import/preview", body).catch(() => null);
  if (!answer) return say(preview.dataset.failed, "bad");
  if (!answer.ok) return say(await failure(answer), "bad");
  preview.innerHTML = await answer.text();
}

async function run(button) {
  button.disabled = true;
  const answer = await send("/api/v1/imports", upload()).catch(() => null);
  if (answer?.ok) return location.assign(`/import/${(await answer.json()).run}`);
  say(answer ? await failure(answer) : preview.dataset.failed, "bad");
}

// The rows that would be refused, read anew: the preview keeps nothing.
async function problems(button) {
  button.disabled = true;
  const answer = await send("/api/v1/imports?dry_run=true", upload(), { Accept: "text/csv" }).catch(() => null);
  if (answer?.ok) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = "problems.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  } else {
    say(answer ? await failure(answer) : preview.dataset.failed, "bad");
  }
  button.disabled = false;
}

if (form) {
  form.addEventListener("submit", (event) => { event.preventDefault(); preview.replaceChildren(); check(); });
  preview.addEventListener("change", (event) => { if (event.target.matches("select[data-column]")) check(); });
  preview.addEventListener("click", (event) => {
    if (event.target.matches("[data-run]")) run(event.target);
    if (event.target.matches("[data-problems]")) problems(event.target);
  });
  form.elements.file.addEventListener("change", () => preview.replaceChildren());
  const drop = form.querySelector("[data-drop]");
  for (const name of ["dragenter", "dragover"])
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    form.elements.file.files = event.dataTransfer.files;
    preview.replaceChildren();
  });
}

const progress = document.querySelector("[data-progress]");
if (progress) {
  const show = (name, value) => {
    const place = progress.querySelector(`[data-count="${name}"]`);
    if (!place) return;
    place.textContent = value.toLocaleString(document.documentElement.lang);
    if (value) place.closest(".figure").hidden = false;
  };
  const follow = async () => {
    const answer = await fetch(progress.dataset.progress).catch(() => null);
    if (answer?.status === 401) return location.reload();
    if (answer?.ok) {
      const { state, counts } = await answer.json();
      for (const name of ["rows", "taken", "waiting", "skipped", "repeated", "known"]) show(name, counts[name]);
      show("not_taken", counts.refused + counts.parked);
      const bar = progress.querySelector("progress");
      bar.max = Math.max(counts.rows, 1);
      bar.value = counts.rows - counts.waiting;
      if (state === "done") return location.reload();
    }
    setTimeout(follow, 1000);
  };
  setTimeout(follow, 500);
}

const retry = document.querySelector("[data-retry]");
retry?.querySelector("[data-again]").addEventListener("click", async (event) => {
  event.target.disabled = true;
  const body = JSON.stringify({ columns: meanings(retry) });
  const answer = await send(retry.dataset.retry, body, { "Content-Type": "application/json" }).catch(() => null);
  if (answer?.ok) return location.reload();
  retry.querySelector("[data-error]").textContent = answer ? await failure(answer) : "";
  event.target.disabled = false;
});
