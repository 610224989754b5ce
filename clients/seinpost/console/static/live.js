// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2
//
// Keeps a page current: on each change that the stream tells, the page fetches itself and takes over the parts
// marked data-live. No content goes through here as text: a document is parsed without running anything.

const body = document.body;
const said = document.getElementById("said");
const stopped = document.getElementById("stopped");
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

function takeOver(next) {
  const before = total(document);
  notifyOf(watched(document), watched(next));
  const focused = document.activeElement && document.activeElement.id;
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = next.getElementById(part.id);
    // An unchanged part stays as it is, so that nothing is read aloud twice and no selection is lost.
    if (fresh && !fresh.isEqualNode(part)) part.replaceWith(document.adoptNode(fresh));
  }
  if (focused && document.activeElement === body) document.getElementById(focused)?.focus({ preventScroll: true });
  const added = total(document) - before;
  if (added === 1) said.textContent = body.dataset.one;
  else if (added > 1) said.textContent = body.dataset.more.replace("{n}", String(added));
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

const pause = document.getElementById("pause");
if (pause) {
  pause.hidden = false;
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

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    said.textContent = button.dataset.done;
  });
}
