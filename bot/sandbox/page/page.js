"use strict";
// Shows what every phone shows, and lets people type and press. The house knows nothing of this page.
const $ = (id) => document.getElementById(id);
const make = (tag, props = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...inside);
  return element;
};
const state = { seen: -1, kinds: {}, chosen: null, drawn: {} };

const post = (path, body) =>
  fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

function bubbles(phone, kind) {
  const found = [];
  for (const message of kind.messages) {
    const bubble = make("div", { className: "bubble" + (message.mine ? " mine" : "") }, message.text);
    if (message.document) bubble.append(make("div", {}, make("a", { href: `document/${kind.address}/${message.id}`, target: "_blank" }, "Open " + message.document)));
    bubble.append(make("time", {}, message.at + (message.edited ? " · edited" : "")));
    found.push(bubble);
    if (!message.buttons.length) continue;
    const rows = make("div", { className: "rows" });
    for (const row of message.buttons) {
      const line = make("div");
      for (const [label, data] of row) {
        const key = make("button", { type: "button" }, label);
        key.onclick = () => post("act", { channel: "telegram", address: kind.address, press: data, message: message.id });
        line.append(key);
      }
      rows.append(line);
    }
    found.push(rows);
  }
  if (!found.length) found.push(make("p", { className: "empty" }, phone.hint));
  return found;
}

function saying(kind) {
  const box = make("input", { name: "words", autocomplete: "off", placeholder: kind.channel === "sms" ? "Text message" : "Message" });
  box.setAttribute("aria-label", `Write on this phone (${kind.channel})`);
  const form = make("form", { className: "say" }, box);
  if (kind.channel === "telegram") {
    const photo = make("button", { type: "button", title: "Send a photo" }, "Photo");
    photo.onclick = () => post("act", { channel: "telegram", address: kind.address, photo: true });
    const place = make("button", { type: "button", title: "Send where I am" }, "Place");
    place.onclick = () => post("act", { channel: "telegram", address: kind.address, place: true });
    form.append(photo, place);
  }
  form.append(make("button", { type: "submit" }, "Send"));
  form.onsubmit = (event) => {
    event.preventDefault();
    if (!box.value.trim()) return;
    post("act", { channel: kind.channel, address: kind.address, text: box.value });
    box.value = "";
  };
  return form;
}

function drawPhone(phone) {
  const kinds = phone.kinds;
  const chosen = kinds.find((k) => k.channel === state.kinds[phone.id]) || kinds[0];
  let card = $("phone-" + phone.id);
  if (!card || card.dataset.kind !== chosen.channel) {
    const fresh = make("article", { id: "phone-" + phone.id, className: "phone" });
    fresh.dataset.kind = chosen.channel;
    fresh.setAttribute("aria-label", `${phone.name}'s phone`);
    const tabs = make("div", { className: "kinds" });
    for (const kind of kinds) {
      const key = make("button", { type: "button" }, kind.channel === "sms" ? "SMS" : "Telegram");
      key.setAttribute("aria-pressed", String(kind === chosen));
      key.onclick = () => { state.kinds[phone.id] = kind.channel; delete state.drawn[phone.id]; drawPhone(phone); };
      tabs.append(key);
    }
    fresh.append(make("header", {}, make("h2", {}, phone.name + " ", make("span", {}, phone.role)), tabs),
      make("div", { className: "chat" }), saying(chosen));
    fresh.querySelector(".chat").setAttribute("aria-live", "polite");
    if (card) card.replaceWith(fresh); else $("phones").append(fresh);
    card = fresh;
  }
  card.classList.toggle("chosen", phone.id === state.chosen);
  const drawn = JSON.stringify(chosen.messages);
  if (state.drawn[phone.id] === drawn) return;
  state.drawn[phone.id] = drawn;
  const chat = card.querySelector(".chat");
  chat.replaceChildren(...bubbles(phone, chosen));
  chat.scrollTop = chat.scrollHeight;
}

function drawCases(cases) {
  $("cases").replaceChildren(...cases.map((c) => make("article", { className: "case" },
    make("p", {}, make("b", {}, `${c.code} · child ${c.child} `), make("span", { className: "mark " + c.state }, c.state_says), " ",
      make("span", { className: "mark " + c.level }, c.level_says)),
    make("p", { className: "quiet" }, c.says))));
}

function draw(data) {
  $("now").textContent = data.now; $("day").textContent = data.day; $("next").textContent = data.next;
  for (const key of document.querySelectorAll("[data-clock]")) {
    if (key.hasAttribute("aria-pressed")) key.setAttribute("aria-pressed", String(key.dataset.clock === data.speed));
  }
  state.chosen = state.chosen || data.phones[0].id;
  $("tabs").replaceChildren(...data.phones.map((phone) => {
    const key = make("button", { type: "button" }, phone.name.split(" ")[0]);
    key.setAttribute("aria-selected", String(phone.id === state.chosen));
    key.onclick = () => { state.chosen = phone.id; draw(data); };
    return key;
  }));
  data.phones.forEach(drawPhone);
  drawCases(data.cases);
  $("police").replaceChildren(...(data.police.length ? data.police.map((file) => make("li", {},
    make("a", { href: "police/" + encodeURIComponent(file.name), target: "_blank" }, file.name), " ",
    make("span", { className: "quiet" }, file.says))) : [make("li", { className: "quiet" }, "Nothing has come in.")]));
}

async function watch() {
  for (;;) {
    try {
      const answer = await fetch(`state?seen=${state.seen}`);
      const data = await answer.json();
      state.seen = data.version;
      draw(data);
    } catch {
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

document.querySelectorAll("[data-clock]").forEach((key) => { key.onclick = () => post("clock", { do: key.dataset.clock }); });
document.querySelectorAll("[data-jump]").forEach((key) => { key.onclick = () => post("clock", { jump: Number(key.dataset.jump) }); });
$("hide-about").onclick = () => document.querySelector(".about").remove();
watch();
