"use strict";
// Draws one phone: its messages, its buttons, and the box one writes in. Only what changed is drawn anew, so that the
// keyboard's focus and a screen reader's place stay where they are.
const CHANNELS = { telegram: "Telegram", sms: "SMS" };

const make = (tag, props = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...inside);
  return element;
};

const post = (path, body) =>
  fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })
    .then((answer) => { document.getElementById("trouble").hidden = answer.ok; })
    .catch(() => { document.getElementById("trouble").hidden = false; });

const act = (kind, wish) => post("act", { channel: kind.channel, address: kind.address, ...wish });

const icon = (path, label) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  svg.append(line);
  const button = make("button", { type: "button", title: label, className: "icon" }, svg);
  button.setAttribute("aria-label", label);
  return button;
};
const CAMERA = "M4 8h3.5l1.5-2.5h6L16.500 8H20v11H4z M12 10.200a3.300 3.300 0 1 0 0 6.600 3.300 3.300 0 0 0 0-6.600z";
const PIN = "M12 21s-6.500-6.200-6.500-11a6.500 6.500 0 0 1 13 0c0 4.800-6.500 11-6.500 11z M12 7.800a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400z";

function keyboard(kind, message) {
  const rows = make("div", { className: "rows" });
  for (const row of message.buttons) {
    const line = make("div");
    for (const [label, data] of row) {
      const key = make("button", { type: "button" }, label);
      key.onclick = () => act(kind, { press: data, message: message.id });
      line.append(key);
    }
    rows.append(line);
  }
  return rows;
}

function bubble(kind, message) {
  const body = make("div", { className: "bubble" }, message.text);
  if (message.document) {
    const link = make("a", { href: `document/${kind.address}/${message.id}`, target: "_blank" });
    if (message.document.endsWith(".jpg")) link.append(make("img", { src: link.href, alt: "Photo" }));
    else link.append("Open " + message.document);
    body.prepend(make("div", { className: "file" }, link));
  }
  body.append(make("time", {}, (message.edited ? "edited " : "") + message.at));
  const drawn = make("div", { className: "message" + (message.mine ? " mine" : "") }, body);
  if (message.buttons.length) drawn.append(keyboard(kind, message));
  return drawn;
}

// Bring the chat to what `messages` says; returns whether the house said something new.
function fill(chat, kind, messages) {
  const old = new Map([...chat.children].map((child) => [child.dataset.id, child]));
  let last = null, rang = false;
  messages.forEach((message, place) => {
    const id = String(message.id), drawn = JSON.stringify(message);
    let element = old.get(id);
    if (!element || element.dataset.drawn !== drawn) {
      const fresh = bubble(kind, message);
      fresh.dataset.id = id;
      fresh.dataset.drawn = drawn;
      rang = rang || !message.mine;
      last = fresh;
      if (element) element.replaceWith(fresh); else chat.insertBefore(fresh, chat.children[place] || null);
    }
    old.delete(id);
  });
  for (const gone of old.values()) gone.remove();
  if (last) chat.scrollTop = last.offsetTop + last.offsetHeight - chat.clientHeight + 12;
  return rang;
}

function tries(kind) {
  const row = make("div", { className: "tries" });
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Things to try");
  for (const words of kind.tries) {
    const key = make("button", { type: "button" }, words);
    key.onclick = () => act(kind, { text: words });
    row.append(key);
  }
  return row;
}

function writing(phone, kind) {
  const box = make("input", { name: "words", autocomplete: "off", placeholder: kind.channel === "sms" ? "Text message" : "Message" });
  box.setAttribute("aria-label", `Write on ${phone.name}'s phone, ${CHANNELS[kind.channel]}`);
  const form = make("form", { className: "say" });
  if (kind.channel === "telegram") {
    const photo = icon(CAMERA, "Send a photo"), place = icon(PIN, "Send my location");
    photo.onclick = () => act(kind, { photo: true });
    place.onclick = () => act(kind, { place: true });
    form.append(photo, place);
  }
  form.append(box, make("button", { type: "submit", className: "main" }, "Send"));
  form.onsubmit = (event) => {
    event.preventDefault();
    if (!box.value.trim()) return;
    act(kind, { text: box.value });
    box.value = "";
  };
  return form;
}

// One channel of one phone: the chat, what one might try, and the box.
function screen(phone, kind) {
  const chat = make("div", { className: "chat", tabIndex: 0 });
  chat.setAttribute("role", "log");
  chat.setAttribute("aria-label", `${phone.name}, ${CHANNELS[kind.channel]}`);
  const toast = make("p", { className: "toast", hidden: true });
  toast.setAttribute("role", "status");
  const all = make("div", { className: "screen" }, make("p", { className: "empty" }, phone.hint), chat, toast);
  if (kind.tries.length) all.append(tries(kind));
  all.append(writing(phone, kind));
  all.dataset.kind = kind.channel;
  return all;
}

function pass(toast, said) {
  if (!said || toast.dataset.number === String(said[0])) return;
  toast.dataset.number = said[0];
  toast.textContent = said[1];
  toast.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { toast.hidden = true; }, 5000);
}
