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

// --- Copying a key that is not shown -------------------------------------------------

// revealed asks for a key's value. The portal records that before it answers. The error says what to
// do.
async function revealed(address) {
  let answer;
  try {
    answer = await fetch(address, { method: "POST", headers: { accept: "application/json" }, cache: "no-store" });
  } catch {
    throw new Error("The portal did not answer. Try again.");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(body.detail ?? "The key could not be read. Reload the page and try again.");
  }
  return body.value;
}

// written puts the value of a promise into the clipboard. Some browsers allow that only if the page asks
// before it has the value.
async function written(promise) {
  try {
    const text = promise.then((value) => new Blob([value], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
  } catch {
    await navigator.clipboard.writeText(await promise);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-key]");
  if (!button || button.hasAttribute("aria-busy")) {
    return;
  }
  const note = button.parentElement.querySelector("[data-copy-note]");
  const label = button.firstElementChild;
  const say = (text) => {
    note.textContent = text;
    note.hidden = false;
    announce(text);
  };
  if (!navigator.clipboard) {
    say("This browser does not let the page copy. Reveal the key, and copy it by hand.");
    return;
  }
  button.setAttribute("aria-busy", "true");
  const value = revealed(button.dataset.copyKey);
  const copying = written(value).then(() => true, () => false);
  try {
    await value;
    if (await copying) {
      label.textContent = "Copied";
      say("The key is in your clipboard. Your activity shows that you revealed it.");
    } else {
      say("The browser did not let the page copy. Reveal the key, and copy it by hand.");
    }
  } catch (problem) {
    say(problem.message);
  }
  button.removeAttribute("aria-busy");
  setTimeout(() => { label.textContent = "Copy"; }, 2000);
});

// A field that belongs to a choice chooses it.
document.addEventListener("input", (event) => {
  const choice = document.getElementById(event.target.dataset?.chooses ?? "");
  if (choice) {
    choice.checked = true;
  }
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
  // What has nothing to announce now may be the end of what was under way.
  const said = next.dataset.announce ?? old.dataset.done;
  if (said && said !== old.dataset.announce) {
    announce(said);
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
      // An admin's page of another account must not get a part of the admin's, and the other way round.
      answer = await fetch(address, { cache: "no-store", headers: { "Gatehouse-View": document.getElementById("main").dataset.view ?? "" } });
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
    // The person is signed out with the deletion of the account. The top of the page has to say so, too.
    if (next?.hasAttribute("data-signed-out") && document.querySelector(".top form[action='/sign-out']")) {
      location.reload();
      return;
    }
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

// --- Searching while typing --------------------------------------------------------

const typingPause = 180;

// suggest shows what the search finds below its field. The results are links, so Tab and the
// arrow keys reach them.
function suggest(field) {
  const form = field.form;
  form.classList.add("suggest");
  let timer = 0;
  let asked = "";
  const close = () => form.querySelector(".suggestions")?.remove();
  const links = () => [...form.querySelectorAll(".suggestions a")];
  const find = async () => {
    const query = field.value.trim();
    if (query === asked) {
      return;
    }
    asked = query;
    if (query.length < 2) {
      close();
      return;
    }
    let answer;
    try {
      answer = await fetch(`/search/fragment?q=${encodeURIComponent(query)}`);
    } catch {
      return;
    }
    if (!answer.ok || query !== asked || !form.contains(document.activeElement)) {
      return;
    }
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    close();
    form.append(parsed.body.firstElementChild);
    const found = links().length;
    announce(found > 1 ? plural(found - 1, "result") : "Nothing matches");
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, typingPause);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      close();
      asked = "";
      field.focus();
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") {
      return;
    }
    const all = [field, ...links()];
    const at = all.indexOf(document.activeElement);
    const next = all[(at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length];
    if (at >= 0 && next) {
      event.preventDefault();
      next.focus();
    }
  });
  document.addEventListener("focusin", (event) => {
    if (!form.contains(event.target)) {
      close();
      asked = "";
    }
  });
  document.addEventListener("click", (event) => {
    if (!form.contains(event.target)) {
      close();
      asked = "";
    }
  });
}

function plural(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

for (const field of document.querySelectorAll("[data-suggest]")) {
  suggest(field);
}

// A slash goes to the search field, except while typing.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const field = document.querySelector("[data-suggest]") ?? document.getElementById("q");
  if (field) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});

// --- Documentation -----------------------------------------------------------------

// Another language replaces the examples without leaving the place.
document.addEventListener("click", async (event) => {
  const choice = event.target.closest("[data-language]");
  if (!choice || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  const language = new URL(choice.href).searchParams.get("language");
  const address = new URL(location.href);
  address.hash = "";
  address.searchParams.set("language", language);
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    answer = null;
  }
  if (!answer?.ok) {
    location.assign(choice.href);
    return;
  }
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  const place = choice.closest("[data-snippet]").dataset.snippet;
  for (const old of document.querySelectorAll("[data-snippet]")) {
    const next = [...parsed.querySelectorAll("[data-snippet]")].find((one) => one.dataset.snippet === old.dataset.snippet);
    if (next) {
      old.replaceWith(next);
    }
  }
  [...document.querySelectorAll("[data-snippet]")].find((one) => one.dataset.snippet === place)
    ?.querySelector("[data-language][aria-current]")?.focus();
  announce(`Examples are in ${choice.textContent.trim()}`);
});

// Copying a page as Markdown fetches it first.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-copy-from]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  try {
    const answer = await fetch(link.dataset.copyFrom);
    if (!answer.ok) {
      throw new Error("no Markdown");
    }
    await navigator.clipboard.writeText(await answer.text());
  } catch {
    location.assign(link.href);
    return;
  }
  const label = link.firstElementChild;
  const before = label.textContent;
  label.textContent = "Copied";
  announce("Copied");
  setTimeout(() => { label.textContent = before; }, 2000);
});

// The console's answer appears without leaving the page.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-console]") || event.defaultPrevented) {
    return;
  }
  event.preventDefault();
  const section = form.closest(".console");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = parsed.querySelector(".console");
    if (!next) {
      throw new Error("no console");
    }
    section.replaceWith(next);
    next.querySelector("#try-result").focus();
    announce(next.querySelector(".exchange-head, [role=alert]")?.textContent ?? "Done");
  } catch {
    const notice = document.createElement("p");
    notice.className = "notice bad";
    notice.textContent = "The portal did not answer. Reload the page and try again.";
    section.querySelector("#try-result").replaceChildren(notice);
    announce(notice.textContent);
  } finally {
    release();
  }
});

// --- Menus --------------------------------------------------------------------------

const menus = "details.menu, details.versions";

// Escape closes an open menu, and so does a click or the focus somewhere else.
function closeMenus(but) {
  for (const menu of document.querySelectorAll(menus)) {
    if (menu !== but) {
      menu.open = false;
    }
  }
}

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.(menus);
  if (menu?.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

for (const leaving of ["click", "focusin"]) {
  document.addEventListener(leaving, (event) => closeMenus(event.target.closest?.(menus)));
}

// In a small window what people came for comes first: contents and filters start closed, unless a
// filter is in use. A wide one has no control that opens them, so they open when the window
// becomes wide.
const wide = matchMedia("(min-width: 60rem)");
function fold() {
  for (const part of document.querySelectorAll(".nav-fold, .facet, .filters")) {
    part.open = wide.matches || part.matches(".facet:has([aria-current]), .filters[data-used]");
  }
}
wide.addEventListener("change", fold);
if (!wide.matches) {
  fold();
}

// --- Printing -----------------------------------------------------------------------

// Browsers whose styles cannot show closed details get them opened for the print.
addEventListener("beforeprint", () => {
  for (const table of document.querySelectorAll(".usage-chart details:not([open])")) {
    table.open = true;
    table.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const table of document.querySelectorAll("[data-printed]")) {
    table.open = false;
    delete table.dataset.printed;
  }
});

// --- Times -------------------------------------------------------------------------

function counted(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"} ago`;
}

// onDay and atTime format times in the time zone that the reader has chosen, or the browser's.
const timeZone = document.documentElement.dataset.zone;
const onDay = new Intl.DateTimeFormat("en-GB", { timeZone, day: "numeric", month: "long", year: "numeric" });
const atTime = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
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

// localize shows times in the reader's time zone; the server sends them in UTC. All tooltips have one format.
function localize(part) {
  for (const time of part.querySelectorAll("time[title]")) {
    const at = new Date(time.dateTime);
    time.title = `${onDay.format(at)}, ${atTime.format(at)}`;
    if ("relative" in time.dataset && Date.now() - at >= month * 1000) {
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

// inTime returns in how long a time comes. It has minutes from the last day on, and seconds in the last
// ten minutes.
function inTime(at) {
  const seconds = Math.floor((at - Date.now()) / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (seconds <= 0) return "which is now";
  if (days >= 3) return `in ${plural(days, "day")}`;
  if (days > 0) return `in ${plural(days, "day")} ${plural(hours, "hour")}`;
  if (hours > 0) return `in ${plural(hours, "hour")} ${plural(minutes, "minute")}`;
  if (minutes >= 10) return `in ${plural(minutes, "minute")}`;
  if (minutes > 0) return `in ${plural(minutes, "minute")} ${plural(seconds % 60, "second")}`;
  return `in ${plural(seconds, "second")}`;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-until]")) {
    const text = inTime(new Date(time.dateTime));
    if (time.textContent !== text) {
      time.textContent = text;
    }
  }
}, 1000);

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
