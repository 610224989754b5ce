// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2
//
// Keeps a page current: on each change that the stream tells, the page fetches itself and takes over the parts
// marked data-live, and whole what is in another state (data-state). No content goes through here as text: a
// document is parsed without running anything.

const body = document.body;
const said = document.getElementById("said");
const stopped = document.getElementById("stopped");
document.documentElement.classList.add("js");
let paused = false;
let missed = false;
let busy = false;
let again = false;

function fetchPage(path) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.responseType = "document";
    request.setRequestHeader("X-Seinpost-Live", "1");
    request.timeout = 15000;
    request.onload = () => (request.status === 200 && request.responseXML ? resolve(request.responseXML) : reject());
    request.onerror = reject;
    request.ontimeout = reject;
    request.send();
  });
}

function total(root) {
  const count = root.getElementById("unread");
  return count ? Number(count.dataset.total) : 0;
}

function watched(root) {
  return new Map([...root.querySelectorAll("[data-watch]")].map((one) => [one.dataset.watch, one.dataset]));
}

function notifyOf(before, now) {
  const button = document.getElementById("notify");
  if (!button || !("Notification" in window) || Notification.permission !== "granted") return;
  for (const [number, one] of now) {
    // The official's own name for the filter, and nothing of the signal: a notification outlives the page.
    if (before.has(number) && Number(one.count) > Number(before.get(number).count)) {
      new Notification(button.dataset.title, { body: one.name, tag: `seinpost-${number}` });
    }
  }
}

function replaceWhole(next) {
  // What was taken back goes from the screen at once, whatever was open or being typed.
  for (const part of document.querySelectorAll("[data-state]")) {
    const fresh = next.getElementById(part.id);
    if (!fresh || fresh.dataset.state === part.dataset.state) continue;
    const held = part.contains(document.activeElement);
    part.replaceWith(document.adoptNode(fresh));
    if (fresh.dataset.said) said.textContent = fresh.dataset.said;
    if (held) document.getElementById("main").focus({ preventScroll: true });
  }
}

function takeOver(next) {
  const before = total(document);
  notifyOf(watched(document), watched(next));
  const focused = document.activeElement && document.activeElement.id;
  replaceWhole(next);
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = next.getElementById(part.id);
    // What was unfolded stays so.
    for (const fold of part.querySelectorAll("details[id]")) {
      const other = fresh && next.getElementById(fold.id);
      if (other) other.open = fold.open;
    }
    // An unchanged part stays as it is, so that nothing is read aloud twice and no selection is lost.
    if (fresh && !fresh.isEqualNode(part)) part.replaceWith(document.adoptNode(fresh));
  }
  if (focused && document.activeElement === body) document.getElementById(focused)?.focus({ preventScroll: true });
  const added = total(document) - before;
  if (added === 1) said.textContent = body.dataset.one;
  else if (added > 1) said.textContent = body.dataset.more.replace("{n}", String(added));
  const updated = document.getElementById("updated");
  if (updated) updated.textContent = clockTime();
}

async function refresh() {
  if (paused) {
    missed = true;
    return;
  }
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    takeOver(await fetchPage(body.dataset.source));
    tell(true);
  } catch {
    tell(false);
  }
  busy = false;
  if (again) {
    again = false;
    setTimeout(refresh, 250);
  }
}

function tell(well) {
  stopped.hidden = well;
  stopped.textContent = well ? "" : body.dataset.stopped;
}

let heard = body.dataset.version;
const stream = new EventSource("/live");
stream.addEventListener("change", (event) => {
  if (event.lastEventId !== heard) {
    heard = event.lastEventId;
    refresh();
  } else tell(true);
});
let failing = 0;
// The browser tries again each second: only what does not come back within three is said.
stream.onerror = () => {
  failing ||= setTimeout(() => {
    failing = 0;
    if (stream.readyState !== EventSource.OPEN) tell(false);
  }, 3000);
};
stream.onopen = () => {
  clearTimeout(failing);
  failing = 0;
  tell(true);
};
// Ages go on while nothing happens.
setInterval(refresh, 60000);

function clockTime() {
  return new Date().toLocaleTimeString("nl-NL", { hour: "2-digit", minute: "2-digit" });
}

const clock = document.getElementById("clock");
if (clock) {
  clock.textContent = clockTime();
  setInterval(() => (clock.textContent = clockTime()), 1000);
}

const pause = document.getElementById("pause");
if (pause) {
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused && missed) {
      missed = false;
      refresh();
    }
  });
}

const notify = document.getElementById("notify");
if (notify && "Notification" in window) {
  notify.hidden = Notification.permission !== "default";
  notify.addEventListener("click", async () => {
    await Notification.requestPermission();
    notify.hidden = true;
  });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button || !navigator.clipboard) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.firstChild.textContent = button.dataset.done;
  said.textContent = button.dataset.done;
});

// An act leaves its reader where they were, and says beside the act what was done.
const PLACE = "seinpost-place";
document.addEventListener("submit", () => {
  sessionStorage.setItem(PLACE, `${location.pathname} ${Math.round(scrollY)} ${Math.round(railTop())}`);
});
function railTop() {
  return document.querySelector(".rail")?.scrollTop || 0;
}
const done = document.getElementById("done");
if (done) {
  const [path, y, rail] = (sessionStorage.getItem(PLACE) || "").split(" ");
  if (path === location.pathname) {
    scrollTo({ top: Number(y), behavior: "instant" });
    document.querySelector(".rail")?.scrollTo({ top: Number(rail), behavior: "instant" });
  }
  const say = () => {
    done.focus({ preventScroll: true });
    done.scrollIntoView({ block: "nearest", behavior: "instant" });
  };
  say();
  // The address names the part of the page: the browser goes there once everything is loaded, and drops the focus.
  addEventListener("load", () => setTimeout(() => document.activeElement === body && say(), 50));
}
sessionStorage.removeItem(PLACE);
document.getElementById("faults")?.focus();

// The classification at the top of a report is the one that is being chosen.
document.querySelector("[data-marks]")?.addEventListener("change", (event) => {
  const marking = document.getElementById("marking");
  marking.className = `marking marking--${event.target.value}`;
  document.getElementById("marking-level").textContent = event.target.selectedOptions[0].textContent;
});

// Beside the list there is room for the filters; above it they would push the list from the screen.
const filters = document.getElementById("filters");
if (filters && matchMedia("(max-width: 61.99rem)").matches) filters.open = false;
// A menu closes with Escape, and when one goes elsewhere.
const menu = document.querySelector(".menu");
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && menu?.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false;
});
