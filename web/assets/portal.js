// Conveniences that save a click or a reload. Every page works without them.
"use strict";

document.documentElement.classList.add("js");

const live = document.getElementById("live");

// announce tells screen readers. The live region is in the page from the start, since a
// region that appears together with its text may not be read out.
function announce(text) {
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}

// --- Copying -----------------------------------------------------------------------

// copied copies an element's text to the clipboard and returns whether it succeeded. Without
// TLS or permission it falls back to copying the selection. If that fails too, the text stays
// selected, so people can copy it by hand.
async function copied(source) {
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (!source) {
    return;
  }
  const label = button.firstElementChild;
  if (await copied(source)) {
    label.textContent = "Copied";
    announce("Copied");
  } else {
    label.textContent = "Selected";
    announce("Selected. You can copy it now.");
  }
  setTimeout(() => { label.textContent = "Copy"; }, 2000);
});

// --- Forms: one click, one request -------------------------------------------------

// A form stays busy until the response replaces the page. It can be sent again only if
// loading was stopped, or takes far longer than the portal allows. Its idempotency key makes
// that the same request.
const sendingLong = 10_000;
const sendingFailed = 60_000;

let sending = null;

function release() {
  if (!sending) {
    return;
  }
  const { form, button, label, timers } = sending;
  timers.forEach(clearTimeout);
  delete form.dataset.sent;
  if (button) {
    button.replaceChildren(...label);
    button.removeAttribute("aria-busy");
    button.style.minWidth = "";
  }
  sending = null;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") {
    return;
  }
  if (sending) {
    event.preventDefault();
    return;
  }
  const button = event.submitter;
  sending = {
    form, button, label: button ? [...button.childNodes] : [],
    timers: [
      setTimeout(() => announce("This is taking longer than usual. We are still sending it."), sendingLong),
      setTimeout(() => { release(); announce("There was no response. You can send it again."); }, sendingFailed),
    ],
  };
  form.dataset.sent = "yes";
  if (button) {
    button.style.minWidth = `${button.offsetWidth}px`;
    button.setAttribute("aria-busy", "true");
    button.replaceChildren("Sending…");
  }
  announce("Sending");
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    release();
  }
});

// A page from the back/forward cache shows used forms and old states. The page with the key
// answered a form, so it cannot be reloaded.
addEventListener("pageshow", (event) => {
  if (event.persisted && !secret) {
    location.reload();
  }
});

// --- Following what is in progress -------------------------------------------------

const first = 800;
const slowest = 5000;
const idle = 60_000;

// pause waits, and if the page is hidden then, until it is visible again. Returning to the
// page ends the wait at once.
function pause(delay) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      if (!document.hidden) {
        done();
      }
    }, delay);
    function done() {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      resolve();
    }
    function seen() {
      if (!document.hidden) {
        done();
      }
    }
    document.addEventListener("visibilitychange", seen);
  });
}

// replace swaps in the new part. Open details stay open, and the focus stays where it was if
// that element still exists.
function replace(old, next) {
  const open = [...old.querySelectorAll("details[open]")].map((details) => details.id);
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  old.replaceWith(next);
  for (const id of open) {
    document.getElementById(id)?.setAttribute("open", "");
  }
  if (focused) {
    document.getElementById(focused)?.focus();
  }
  localize(next);
  if (next.dataset.title && next.dataset.title !== old.dataset.title) {
    document.title = document.title.replace(old.dataset.title, () => next.dataset.title);
  }
  if (next.dataset.announce && next.dataset.announce !== old.dataset.announce) {
    announce(next.dataset.announce);
  }
}

// follow polls a part of the page: often while something is in progress, rarely otherwise.
async function follow(part) {
  let delay = first;
  for (;;) {
    const address = part.dataset.poll ?? part.dataset.idle;
    if (!address) {
      return;
    }
    await pause(part.dataset.poll ? delay : idle);
    delay = Math.min(delay * 1.25, slowest);
    let answer;
    try {
      answer = await fetch(address, { cache: "no-store" });
    } catch {
      continue;
    }
    if (answer.status === 401 || answer.status === 404) {
      location.reload();
      return;
    }
    if (!answer.ok) {
      continue;
    }
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = parsed.body.firstElementChild;
    // A form that is being sent must stay.
    if (next && next.dataset.version !== part.dataset.version && !sending) {
      replace(part, next);
      part = next;
      delay = first;
    }
  }
}

for (const part of document.querySelectorAll("[data-poll], [data-idle]")) {
  follow(part);
}

// --- Times -------------------------------------------------------------------------

function counted(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"} ago`;
}

// onDay and exactly format times in the reader's time zone.
const onDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const exactly = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});
const month = 31 * 86400;

function ago(at) {
  const seconds = (Date.now() - at) / 1000;
  if (seconds < 5) return "just now";
  if (seconds < 60) return counted(Math.floor(seconds), "second");
  if (seconds < 3600) return counted(Math.floor(seconds / 60), "minute");
  if (seconds < 86400) return counted(Math.floor(seconds / 3600), "hour");
  if (seconds < month) return counted(Math.floor(seconds / 86400), "day");
  return `on ${onDay.format(at)}`;
}

// localize shows times in the reader's time zone; the server sends them in UTC.
function localize(part) {
  for (const time of part.querySelectorAll("time[data-relative]")) {
    const at = new Date(time.dateTime);
    time.title = exactly.format(at);
    if (Date.now() - at >= month * 1000) {
      time.textContent = ago(at);
    }
  }
}

localize(document);

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = ago(new Date(time.dateTime));
  }
}, 10000);

// --- A revealed key is hidden again ------------------------------------------------

// People are warned this many seconds before the key is hidden, in time to ask for more.
const warned = 20;
const more = 60;

const secret = document.querySelector("[data-hide-after]");
if (secret) {
  const countdown = secret.querySelector("[data-countdown]");
  const value = document.getElementById("key-value").textContent;
  let left = Number(secret.dataset.hideAfter);
  const tell = () => { countdown.textContent = `Hidden again in ${left} ${left === 1 ? "second" : "seconds"}.`; };
  const hide = () => {
    clearInterval(ticking);
    const focused = secret.contains(document.activeElement);
    secret.querySelector(".secret")?.remove();
    for (const call of document.querySelectorAll("[data-secret-call] pre code")) {
      call.textContent = call.textContent.replaceAll(value, "YOUR_API_KEY");
    }
    const said = secret.querySelector(".hidden-again");
    said.hidden = false;
    if (focused) {
      said.tabIndex = -1;
      said.focus();
    }
    announce("The key is hidden again.");
  };
  const ticking = setInterval(() => {
    left -= 1;
    tell();
    if (left <= 0) {
      hide();
    } else if (left === warned) {
      announce(`The key is hidden again in ${left} seconds. You can keep it visible for longer.`);
    }
  }, 1000);
  tell();
  secret.querySelector("[data-hide-later]").addEventListener("click", () => {
    left += more;
    tell();
    announce(`The key stays visible for ${left} more seconds.`);
  });
  secret.querySelector("[data-hide-now]").addEventListener("click", hide);
  // The back/forward cache must not keep it either.
  addEventListener("pagehide", hide);
}
