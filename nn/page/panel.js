// The panel beside the picture, the marks on it, and the keyboard.
"use strict";

const STEP = 0.05; // of a score

function makeRow(label, index) {
  const item = document.createElement("li");
  const line = document.createElement("div");
  line.className = "line";
  const key = document.createElement("kbd");
  key.textContent = index + 1;
  const box = Object.assign(document.createElement("input"), {
    type: "checkbox",
    id: `label-${label.name}`,
  });
  const text = Object.assign(document.createElement("label"), {
    textContent: label.title,
    htmlFor: box.id,
  });
  const range = Object.assign(document.createElement("input"), {
    type: "range",
    min: 0,
    max: 1,
    step: STEP,
    id: `score-${label.name}`,
  });
  range.setAttribute("aria-label", `${label.title}, how clearly`);
  const output = document.createElement("output");
  box.addEventListener("change", () => pressLabel(index));
  range.addEventListener("input", () => {
    setScore(label.name, Number(range.value), `score ${index}`);
    say(`${label.title}: ${range.value}`);
  });
  line.append(key, box, text, range, output);
  item.append(line);
  const row = { item, box, range, output, subkinds: [] };
  if (label.name === "bad_blurry") item.append(makeSubkinds(row));
  byId("labels").append(item);
  return row;
}

function makeSubkinds(row) {
  const list = document.createElement("div");
  list.className = "subkinds";
  subkinds.forEach((subkind, index) => {
    const one = document.createElement("span");
    const key = document.createElement("kbd");
    key.textContent = index === 0 ? "N" : "C";
    const box = Object.assign(document.createElement("input"), {
      type: "checkbox",
      id: `subkind-${subkind.name}`,
    });
    const text = Object.assign(document.createElement("label"), {
      textContent: subkind.title,
      htmlFor: box.id,
    });
    box.addEventListener("change", () => pressSubkind(index));
    row.subkinds.push(box);
    one.append(key, box, text);
    list.append(one);
  });
  return list;
}

function rowAt(event) {
  const box = byId("picture").getBoundingClientRect();
  return ((event.clientY - box.top) / box.height) * shown.height;
}

function makeMark() {
  const line = document.createElement("div");
  line.className = "mark";
  line.tabIndex = 0;
  line.setAttribute("role", "slider");
  line.setAttribute("aria-orientation", "vertical");
  const index = () => [...byId("marks").children].indexOf(line);
  line.addEventListener("focus", () => {
    mark = index();
    show();
  });
  line.addEventListener("pointerdown", (event) => {
    lastEdit = "";
    line.setPointerCapture(event.pointerId);
  });
  line.addEventListener("pointermove", (event) => {
    if (line.hasPointerCapture(event.pointerId)) moveMark(index(), rowAt(event), "drag");
  });
  return line;
}

// ---- keys

const letters = {
  n: () => pressSubkind(0),
  c: () => pressSubkind(1),
  s: pressGraded,
  k: skip,
  z: undo,
  d: deleteVote,
  m: () => shown && addMark(rowForNewMark()),
  x: () => removeMark(mark),
  delete: () => removeMark(mark),
  q: () => stepContrast(-1, 0),
  w: () => stepContrast(1, 0),
  e: () => stepContrast(0, -1),
  r: () => stepContrast(0, 1),
  a: () => shown && setContrast(shown.auto.low, shown.auto.high, false),
  p: pressCrisp,
  h: () => byId("keys").showModal(),
  "?": () => byId("keys").showModal(),
  arrowleft: () => leaf(-1),
  arrowright: () => leaf(1),
  pageup: () => chooseSegment(segment - 1),
  pagedown: () => chooseSegment(segment + 1),
  enter: save,
  escape: () => byId("stage").focus(),
};
const onceOnly = new Set(["enter", "z", "k", "d", "m", "x", "delete"]);
const changing = new Set(["n", "c", "s", "m", "x", "delete"]);

// In the middle of the largest part, where it is easiest to see.
function rowForNewMark() {
  const ends = [0, ...draft().marks, shown.height];
  let best = 0;
  for (let i = 1; i + 1 < ends.length; i++)
    if (ends[i + 1] - ends[i] > ends[best + 1] - ends[best]) best = i;
  return (ends[best] + ends[best + 1]) / 2;
}

function leaf(by) {
  if (at + by < 0 || at + by >= pictures.length) return;
  say("");
  goTo(at + by);
}

function pressCrisp() {
  const crisp = byId("frame").classList.toggle("crisp");
  byId("crisp").setAttribute("aria-pressed", crisp);
}

// Keys that the focused element uses by itself.
function isNative(event, key) {
  const { target } = event;
  if (target.matches("button")) return key === "enter" || key === " ";
  if (target.matches('input[type="checkbox"]')) return key === " ";
  if (target.matches('input[type="range"]')) return /^(arrow|page|home$|end$)/.test(key);
  return false;
}

function onKey(event) {
  const key = event.key.toLowerCase();
  const undoing = (event.ctrlKey || event.metaKey) && key === "z" && !event.shiftKey;
  if (byId("keys").open || event.altKey || ((event.ctrlKey || event.metaKey) && !undoing)) return;
  if (isNative(event, key) || at < 0) return;
  const digit = /^(Digit|Numpad)([0-6])$/.exec(event.code);
  let handler = letters[key];
  if (digit && !event.shiftKey)
    handler = digit[2] === "0" ? pressNone : () => pressLabel(digit[2] - 1);
  else if (key === "arrowup" || key === "arrowdown") {
    if (mark < 0 || !shown) return;
    const step = (key === "arrowup" ? -1 : 1) * (event.shiftKey ? 10 : 1);
    handler = () => moveMark(mark, draft().marks[mark] + step, `move ${mark}`);
  }
  if (!handler) return;
  event.preventDefault();
  if (event.repeat && (onceOnly.has(key) || digit)) return;
  if (busy || ((changing.has(key) || digit) && !shown)) return;
  handler();
}

function listen() {
  document.addEventListener("keydown", onKey);
  const buttons = {
    none: pressNone,
    graded: pressGraded,
    mark: letters.m,
    unmark: letters.x,
    auto: letters.a,
    crisp: pressCrisp,
    save,
    skip,
    undo,
    delete: deleteVote,
    back: letters.arrowleft,
    forward: letters.arrowright,
    help: letters.h,
  };
  for (const [id, handler] of Object.entries(buttons))
    byId(id).addEventListener("click", () => busy || handler());
  byId("picture").addEventListener("click", (event) => shown && addMark(rowAt(event)));
  byId("low").addEventListener("input", () =>
    setContrast(Number(byId("low").value), contrast.high),
  );
  byId("high").addEventListener("input", () =>
    setContrast(contrast.low, Number(byId("high").value)),
  );
  addEventListener("resize", fitPicture);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) seenMs += performance.now() - seenSince;
    seenSince = performance.now();
  });
}

async function start() {
  const response = await fetch("state");
  const state = await response.json();
  if (!response.ok) throw new Error(state.error);
  ({ user, labels, subkinds } = state);
  marksMax = state.marks_max;
  pictures = state.pictures.map((picture) => ({
    ...picture,
    draft: null,
    history: [],
    once: null,
  }));
  byId("user").textContent = user;
  rows.push(...labels.map(makeRow));
  byId("frame").classList.add("crisp");
  listen();
  byId("stage").focus();
  at = pictures.length - 1;
  const next = nextOpenFromStart();
  await goTo(next);
  if (pictures.every((picture) => picture.vote)) say("Every picture has a vote of yours.");
}

function nextOpenFromStart() {
  const open = pictures.findIndex((picture) => !picture.vote && !picture.skipped);
  const skipped = pictures.findIndex((picture) => !picture.vote);
  return open >= 0 ? open : Math.max(skipped, 0);
}

start().catch((error) => say(`The page cannot start: ${error.message}`, true));
