// What saves a click or a reload. Every page works without it.
"use strict";

document.documentElement.classList.add("js");

const live = document.getElementById("live");

// announce tells screen readers; the region is part of the page from the start, since
// one that appears with its text in it may not be read out.
function announce(text) {
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}

// --- Copying -----------------------------------------------------------------------

// copied puts an element's text on the clipboard, and says whether that worked. Without
// TLS, or without leave, there is no clipboard but the selection's; what is selected can
// at least be copied by hand.
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
    announce("Selected, for you to copy");
  }
  setTimeout(() => { label.textContent = "Copy"; }, 2000);
});

// --- Forms: one click, one request -------------------------------------------------

const patience = 5000;

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.method !== "post") {
    return;
  }
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  button?.setAttribute("aria-busy", "true");
  // If no answer came, it may be sent again: its key makes that the same request.
  setTimeout(() => {
    delete form.dataset.sent;
    button?.removeAttribute("aria-busy");
  }, patience);
});

// A page that comes back from the browser's memory shows forms that were used and
// states that have passed. One that answered a form cannot be loaded again by itself.
addEventListener("pageshow", (event) => {
  if (event.persisted && !secret) {
    location.reload();
  }
});

// --- Following what is under way ---------------------------------------------------

const slowest = 5000;

// visible resolves as soon as the page can be seen.
function visible() {
  return new Promise((resolve) => {
    if (!document.hidden) {
      resolve();
      return;
    }
    document.addEventListener("visibilitychange", function seen() {
      if (!document.hidden) {
        document.removeEventListener("visibilitychange", seen);
        resolve();
      }
    });
  });
}

// replace puts the new part in the old one's place; what was open stays open, and the
// focus stays where it was if that is still there.
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
  if (next.dataset.announce) {
    announce(next.dataset.announce);
  }
}

async function follow(part) {
  let delay = 800;
  while (part.dataset.poll) {
    await new Promise((resolve) => setTimeout(resolve, delay));
    await visible();
    delay = Math.min(delay * 1.25, slowest);
    let answer;
    try {
      answer = await fetch(part.dataset.poll, { cache: "no-store" });
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
    if (next && next.dataset.version !== part.dataset.version) {
      replace(part, next);
      part = next;
      delay = 800;
    }
  }
}

for (const part of document.querySelectorAll("[data-poll]")) {
  follow(part);
}

// --- Times -------------------------------------------------------------------------

function counted(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"} ago`;
}

function ago(seconds) {
  if (seconds < 5) return "just now";
  if (seconds < 60) return counted(Math.floor(seconds), "second");
  if (seconds < 3600) return counted(Math.floor(seconds / 60), "minute");
  if (seconds < 86400) return counted(Math.floor(seconds / 3600), "hour");
  return counted(Math.floor(seconds / 86400), "day");
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
  }
}, 10000);

// --- A key that is shown is hidden again -------------------------------------------

const secret = document.querySelector("[data-hide-after]");
if (secret) {
  const countdown = secret.querySelector("[data-countdown]");
  let left = Number(secret.dataset.hideAfter);
  const hide = () => {
    clearInterval(ticking);
    const focused = secret.contains(document.activeElement);
    secret.querySelector(".secret")?.remove();
    const said = secret.querySelector(".hidden-again");
    said.hidden = false;
    if (focused) {
      said.tabIndex = -1;
      said.focus();
    }
    announce("The key is hidden again.");
  };
  const tick = () => {
    countdown.textContent = `It is hidden again in ${left} s.`;
    if (left-- <= 0) {
      hide();
    }
  };
  const ticking = setInterval(tick, 1000);
  tick();
  secret.querySelector("[data-hide-now]").addEventListener("click", hide);
  // Nor is it left in the browser's memory of pages.
  addEventListener("pagehide", hide);
}
