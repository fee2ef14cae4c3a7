// Keeps a page young and obeys keys. Everything works without it.
"use strict";

const root = document.body.dataset.root;
const main = document.getElementById("main");
const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
const isTyping = (element) => element.matches("input:not([type=checkbox]):not([type=radio]), select, textarea");

/* Updates: the page is asked for again, and what is marked as live is replaced where it differs. Never under the
   hand: while something in a part is hovered, focused, ticked or selected, its changes wait. */
const again = Number(document.body.dataset.again) * 1000;
let isPaused = false;
let heardAt = Date.now();
let waiting = null;
let tag = '""'; // of the answer that is shown; none has this one

function isHeld(part) {
  if (part.matches(":hover") && part.querySelector("button, input, [data-row]")) return true;
  if (part.contains(document.activeElement) && document.activeElement !== document.body) return true;
  if (part.querySelector("input:checked, tr.cursor")) return true;
  const selection = getSelection();
  return !selection.isCollapsed && part.contains(selection.anchorNode);
}

function keepOpen(part, fresh) {
  all("details", part).forEach((details, place) => {
    const other = all("details", fresh)[place];
    if (other) other.open = details.open;
  });
}

function show(fresh, force) {
  let held = 0;
  for (const part of all("[data-live]", main)) {
    const other = fresh.getElementById(part.id);
    if (!other || other.outerHTML === part.outerHTML) continue;
    keepOpen(part, other);
    if (other.outerHTML === part.outerHTML) continue;
    if (!force && isHeld(part)) held += 1;
    else {
      const scrolled = all(".log", part).map((log) => log.scrollTop + log.clientHeight >= log.scrollHeight - 4);
      part.replaceWith(document.adoptNode(other));
      all(".log", other).forEach((log, place) => { if (scrolled[place] !== false) log.scrollTop = log.scrollHeight; });
    }
  }
  waiting = held ? fresh : null;
  const pill = document.getElementById("changes");
  if (pill) pill.hidden = !held;
  localTimes();
}

/* With the tag of what is shown, an answer may be a moment old: what was found for another reader of the page. */
async function ask(mayBeShared = true) {
  try {
    const headers = mayBeShared ? { "If-None-Match": tag } : {};
    const answer = await fetch(location.href, { cache: "no-store", headers });
    if (answer.status === 304) { heardAt = Date.now(); return; }
    if (answer.redirected || !(answer.headers.get("content-type") || "").startsWith("text/html")) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) return;
    heardAt = Date.now();
    if (document.querySelector("[data-unseen]")) location.reload();
    show(fresh, false);
    tag = (!waiting && answer.headers.get("etag")) || '""'; // what waits has to come again
  } catch {
    // The server is away; the age beside the title tells.
  }
}

function tellAge() {
  const live = document.getElementById("live");
  const words = document.getElementById("live-words");
  if (!live || !words) return;
  const seconds = Math.round((Date.now() - heardAt) / 1000);
  const isLate = !isPaused && seconds > 15;
  live.classList.toggle("late", isLate || isPaused);
  words.textContent = isPaused ? "Paused" : isLate ? `${seconds} s old` : "Live";
}

function pause() {
  const button = document.getElementById("pause");
  if (!button) return;
  isPaused = !isPaused;
  button.setAttribute("aria-pressed", String(isPaused));
  button.firstElementChild.textContent = isPaused ? "Go on" : "Pause updates";
  if (!isPaused) ask(false);
  tellAge();
}

async function stayYoung() {
  if (!isPaused && document.visibilityState === "visible") await ask();
  setTimeout(stayYoung, again);
}

/* Times: the server writes UTC; a reader elsewhere sees the own clock, and UTC on hover. */
function localTimes() {
  for (const time of all("time[datetime]:not([data-local])", main)) {
    time.dataset.local = "";
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    time.title = `${time.title} · ${at.toLocaleString()} ${zone}`;
  }
}

/* Copying. */
async function copy(button) {
  const text = button.parentElement.querySelector("pre").textContent;
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser forbids it";
  }
  setTimeout(() => { button.textContent = said; }, 1500);
}

/* Rows and what is ticked. */
const rows = () => all("[data-row]", main);

function move(step) {
  const there = rows();
  if (!there.length) return;
  const at = there.findIndex((row) => row.classList.contains("cursor"));
  const next = there[Math.min(there.length - 1, Math.max(0, at + step))];
  there[at]?.classList.remove("cursor");
  next.classList.add("cursor");
  next.scrollIntoView({ block: "nearest" });
  (next.querySelector("a, button") || next).focus({ preventScroll: true });
}

function tell() {
  const boxes = all("input[name=id][type=checkbox]", main);
  const ticked = boxes.filter((box) => box.checked).length;
  for (const box of boxes) box.closest("tr").classList.toggle("selected", box.checked);
  const number = document.getElementById("chosen-number");
  if (number) number.textContent = ticked === 1 ? "1 job is ticked" : `${ticked} jobs are ticked`;
  const dock = document.getElementById("dock");
  if (dock) dock.hidden = !ticked;
  const every = document.getElementById("all");
  if (every) { every.checked = ticked > 0 && ticked === boxes.length; every.indeterminate = ticked > 0 && ticked < boxes.length; }
}

main.addEventListener("change", (event) => {
  if (event.target.id === "all") for (const box of all("input[name=id][type=checkbox]", main)) box.checked = event.target.checked;
  if (event.target.matches("input[type=checkbox]")) tell();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches("[data-copy]")) copy(button);
  if (button.id === "pause") pause();
  if (button.id === "changes" && waiting) { all("input[name=id]:checked", main).forEach((box) => { box.checked = false; }); show(waiting, true); tell(); }
});

/* Keys. */
let isGoing = false;

function press(id) {
  const button = document.getElementById(id) || document.querySelector(`.bulk button[value=${id}]`);
  if (button && !button.closest("[hidden]")) button.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target)) { if (event.key === "Escape") event.target.blur(); return; }
  if (isGoing) {
    isGoing = false;
    const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    if (link) location.href = link.href;
    return;
  }
  const does = {
    g: () => { isGoing = true; setTimeout(() => { isGoing = false; }, 1500); },
    "/": () => { const filter = document.getElementById("filter"); if (filter) { filter.focus(); filter.select(); } else document.querySelector("nav a[data-key=j]")?.click(); },
    j: () => move(1),
    k: () => move(-1),
    x: () => { const box = main.querySelector(".cursor input[type=checkbox]"); if (box) { box.checked = !box.checked; tell(); } },
    r: () => press("requeue"),
    c: () => press("cancel"),
    e: () => press("edit"),
    p: pause,
    "?": () => document.getElementById("help").showModal(),
  }[event.key];
  if (does) { event.preventDefault(); does(); }
});

/* The theme. */
for (const radio of all(".theme input")) {
  radio.checked = radio.value === (document.documentElement.dataset.theme || "auto");
  radio.addEventListener("change", () => {
    if (radio.value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = radio.value;
    try { localStorage.setItem("rowcrew-theme", radio.value); } catch { /* it holds for this page then */ }
  });
}

localTimes();
tell();
tellAge();
setInterval(tellAge, 1000);
if (again) setTimeout(stayYoung, again);
