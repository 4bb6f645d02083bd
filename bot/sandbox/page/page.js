"use strict";
// Shows what every phone shows, and lets people type, press and move the clock. The house knows nothing of this page.
const $ = (id) => document.getElementById(id);
const held = { seen: "", channel: {}, chosen: "", unread: {}, first: true };
const narrow = matchMedia("(max-width: 760px)");

const inView = (phone) => !narrow.matches || phone.id === held.chosen;
const initials = (name) => name.split(" ").map((part) => part[0]).join("");

function newPhone(phone) {
  const card = make("article", { id: "phone-" + phone.id, className: "phone" });
  card.setAttribute("aria-label", `${phone.name}'s phone`);
  const tabs = make("div", { className: "kinds", role: "group" });
  tabs.setAttribute("aria-label", "Channel");
  const face = make("span", { className: "face" }, initials(phone.name));
  face.setAttribute("aria-hidden", "true");
  card.append(make("header", {}, face, make("h2", {}, phone.name, make("small", {}, phone.role)), tabs));
  for (const kind of phone.kinds) {
    const key = make("button", { type: "button" }, CHANNELS[kind.channel], make("b", { className: "badge", hidden: true }));
    key.dataset.kind = kind.channel;
    key.onclick = () => { held.channel[phone.id] = kind.channel; show(phone); };
    tabs.append(key);
    card.append(screen(phone, kind));
  }
  $("phones").append(card);
  return card;
}

// Turn to the chosen channel and phone, and take the badges off what can now be read.
function show(phone) {
  const card = $("phone-" + phone.id), chosen = held.channel[phone.id] || phone.kinds[0].channel;
  card.classList.toggle("chosen", phone.id === held.chosen);
  for (const part of card.querySelectorAll(".screen")) part.hidden = part.dataset.kind !== chosen;
  if (inView(phone)) held.unread[`${phone.id} ${chosen}`] = 0;
  toNewest(card, inView(phone) ? chosen : "");
  let sum = 0;
  for (const key of card.querySelectorAll(".kinds button")) {
    const count = held.unread[`${phone.id} ${key.dataset.kind}`] || 0;
    key.setAttribute("aria-pressed", String(key.dataset.kind === chosen));
    badge(key.querySelector(".badge"), count);
    sum += count;
  }
  const tab = $("tab-" + phone.id);
  tab.setAttribute("aria-pressed", String(phone.id === held.chosen));
  badge(tab.querySelector(".badge"), sum);
}

// What comes into view shows its newest message; what is in view already stays where its reader left it.
function toNewest(card, inSight) {
  if (card.dataset.inSight === inSight) return;
  card.dataset.inSight = inSight;
  const chat = inSight && card.querySelector(`.screen[data-kind=${inSight}] .chat`);
  if (chat) chat.scrollTop = chat.scrollHeight;
}

function badge(mark, count) {
  mark.hidden = !count;
  mark.textContent = count || "";
  mark.setAttribute("aria-label", `${count} new`);
}

function drawPhone(phone) {
  const card = $("phone-" + phone.id) || newPhone(phone);
  for (const kind of phone.kinds) {
    const part = card.querySelector(`.screen[data-kind=${kind.channel}]`);
    part.classList.toggle("blank", !kind.messages.length);
    pass(part.querySelector(".toast"), kind.toast);
    if (!fill(part.querySelector(".chat"), kind, kind.messages) || held.first) continue;
    const place = `${phone.id} ${kind.channel}`;
    held.unread[place] = (held.unread[place] || 0) + 1;
    ring(card);
  }
  show(phone);
}

function ring(card) {
  card.classList.remove("rang");
  void card.offsetWidth; // begin the animation anew
  card.classList.add("rang");
  clearTimeout(card.timer);
  card.timer = setTimeout(() => card.classList.remove("rang"), 2400);
}

function drawTabs(phones) {
  held.chosen = held.chosen || phones[0].id;
  if ($("tabs").children.length) return;
  for (const phone of phones) {
    const key = make("button", { type: "button", id: "tab-" + phone.id }, phone.name.split(" ")[0], make("b", { className: "badge", hidden: true }));
    key.onclick = () => turnTo(phone.id);
    $("tabs").append(key);
  }
}

function turnTo(id) {
  held.chosen = id;
  held.phones.forEach(show);
  if (!narrow.matches) $("phone-" + id).scrollIntoView({ block: "nearest" });
}

function drawCases(cases) {
  const drawn = cases.map((one) => {
    const facts = make("dl", {}, ...one.facts.flatMap(([name, says]) => [make("dt", {}, name), make("dd", {}, says)]));
    return make("article", { className: "case " + one.state },
      make("h3", {}, one.code, make("span", { className: "quiet" }, ` child ${one.child}`)),
      make("p", { className: "state" }, one.state_says),
      make("p", { className: "level " + one.level }, one.level_says), facts);
  });
  replace($("cases"), cases, drawn.length ? drawn : [make("p", { className: "quiet" }, "Nobody is missed. Every child is where they should be.")]);
}

function drawLately(lately) {
  replace($("lately"), lately, lately.length ? lately.map((one) => {
    const key = make("button", { type: "button" }, make("span", { className: "quiet" }, `${one.at} to `), make("b", {}, one.name),
      make("span", { className: "quiet" }, `, ${CHANNELS[one.channel]}`), make("span", { className: "line" }, one.text));
    key.onclick = () => { held.channel[one.id] = one.channel; turnTo(one.id); };
    return make("li", {}, key);
  }) : [make("li", { className: "quiet" }, "The bot has not said anything yet.")]);
}

function drawPolice(reports) {
  replace($("police"), reports, reports.length ? reports.map((report) => make("li", {},
    make("b", {}, `${report.ref} missing report`), make("span", { className: "quiet" }, ` version ${report.version} `),
    ...report.files.map((file) => make("a", { href: "police/" + encodeURIComponent(file.name), target: "_blank" }, file.says)),
  )) : [make("li", { className: "quiet" }, "Nothing has come in.")]);
}

// Draw a box anew only when what it says has changed.
function replace(box, data, inside) {
  const drawn = JSON.stringify(data);
  if (box.dataset.drawn === drawn) return;
  box.dataset.drawn = drawn;
  box.replaceChildren(...inside);
}

function draw(data) {
  held.phones = data.phones;
  $("now").textContent = data.now;
  $("day").textContent = data.day;
  $("next").textContent = data.next ? `next deadline ${data.next}` : "no deadline ahead";
  for (const key of document.querySelectorAll("[data-speed]")) key.setAttribute("aria-pressed", String(key.dataset.speed === data.speed));
  drawTabs(data.phones);
  data.phones.forEach(drawPhone);
  drawCases(data.cases);
  drawLately(data.lately);
  drawPolice(data.police);
  held.first = false;
}

async function watch() {
  for (;;) {
    try {
      const answer = await fetch(`state?seen=${held.seen}`);
      const data = await answer.json();
      held.seen = data.version;
      draw(data);
      $("trouble").hidden = true;
    } catch {
      $("trouble").hidden = false;
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

const busy = (key, work) => {
  key.disabled = true;
  work.finally(() => { key.disabled = false; });
};
document.querySelectorAll("[data-speed]").forEach((key) => { key.onclick = () => post("clock", { speed: key.dataset.speed }); });
document.querySelectorAll("[data-jump]").forEach((key) => { key.onclick = () => busy(key, post("clock", { jump: Number(key.dataset.jump) })); });
$("to-next").onclick = () => busy($("to-next"), post("clock", { to: "next" }));
$("hide-about").onclick = () => { document.querySelector(".about").remove(); };
$("first-move").onclick = () => {
  const alice = held.phones.find((phone) => phone.id === "alice");
  held.channel.alice = "telegram";
  turnTo("alice");
  act(alice.kinds[0], { text: "/absent K7 21:00" });
};
narrow.onchange = () => held.phones && held.phones.forEach(show);
watch();
