// The labelling page. What it says to the server: docs/labelling.md.
"use strict";

const byId = (id) => document.getElementById(id);
const STEP = 0.05; // of a score
const KEPT = 6; // pictures in memory
const AUTO_SHARE = 0.01; // levels beyond this share of the pixels are drawn darkest, brightest
const CONTRAST_STEPS = 40; // keys from one end of the automatic contrast to the other

let user = "";
let labels = [];
let subkinds = [];
let marksMax = 0;
let pictures = []; // {name, vote, skipped, draft, history}
let at = -1; // which is shown
let shown = null; // {width, height, levels, histogram, auto} of the one shown, once it is there
let contrast = { low: 0, high: 1, changed: false };
let segment = 0; // which part the labels are about
let mark = -1; // which mark keys move
let lastEdit = ""; // what the last change was about
let busy = false; // an act is on its way
let undoOnce = null; // of an undo that was not answered
let seenMs = 0;
let seenSince = 0;
const fetched = new Map();
const rows = []; // the label panel's elements

// ---- votes

const emptySegment = () => ({
  scores: Object.fromEntries(labels.map((label) => [label.name, 0])),
  subkinds: [],
});
const copy = (value) => JSON.parse(JSON.stringify(value));

function draftOf(vote) {
  if (!vote) return { graded: byId("labels").classList.contains("graded"), none: false, marks: [], segments: [emptySegment()] };
  const draft = copy({ graded: vote.graded, none: false, marks: vote.marks, segments: vote.segments });
  draft.none = isEmpty(draft);
  return draft;
}

const isEmpty = (draft) =>
  draft.segments.every((part) => Object.values(part.scores).every((score) => score === 0));

const current = () => pictures[at];
const draft = () => current().draft;
const part = () => draft().segments[segment];

function isChanged(picture) {
  return picture.history.length > 0;
}

// Every change of a draft goes through here, so that it can be undone; changes in a row about the
// same are undone at once, unless `about` is null.
function edit(about, change) {
  if (!shown || busy) return;
  const picture = current();
  if (about === null || about !== lastEdit || picture.history.length === 0)
    picture.history.push({ draft: copy(picture.draft), segment, mark });
  lastEdit = about;
  picture.once = null;
  change(picture.draft);
  if (!isEmpty(picture.draft)) picture.draft.none = false;
  show();
}

function setScore(name, score, about) {
  edit(about, (changed) => {
    const parts = name === "tip_change" ? changed.segments : [changed.segments[segment]];
    for (const one of parts) {
      one.scores[name] = score;
      if (name === "bad_blurry" && score === 0) one.subkinds = [];
    }
  });
}

function pressLabel(index) {
  const { name, title } = labels[index];
  const row = rows[index];
  if (name === "tip_change" && draft().marks.length) {
    say("A mark is a tip change. X removes the mark.");
    return;
  }
  if (draft().graded && document.activeElement !== row.range) {
    row.range.focus();
    return;
  }
  const score = part().scores[name] > 0 ? 0 : 1;
  setScore(name, score, null);
  say(`${title}: ${score ? "yes" : "no"}`);
}

function pressSubkind(index) {
  const { name, title } = subkinds[index];
  edit(null, (changed) => {
    const one = changed.segments[segment];
    const has = one.subkinds.includes(name);
    one.subkinds = has ? one.subkinds.filter((other) => other !== name) : [...one.subkinds, name];
    if (!has && one.scores.bad_blurry === 0) one.scores.bad_blurry = 1;
  });
  say(`${title}: ${part().subkinds.includes(name) ? "yes" : "no"}`);
}

function pressNone() {
  edit("none", (changed) => {
    const none = !changed.none;
    changed.marks = [];
    changed.segments = [emptySegment()];
    changed.none = none;
    segment = 0;
    mark = -1;
  });
}

function pressGraded() {
  const fractions = draft().segments.some((one) =>
    Object.values(one.scores).some((score) => score > 0 && score < 1));
  edit("graded", (changed) => {
    changed.graded = !changed.graded;
    for (const one of changed.segments)
      for (const name of Object.keys(one.scores))
        if (!changed.graded) {
          one.scores[name] = one.scores[name] >= 0.5 ? 1 : 0;
          if (one.scores.bad_blurry === 0) one.subkinds = [];
        }
  });
  // A choice of how to vote is no vote.
  if (isEmpty(draft()) && current().history.length === 1 && !current().draft.none)
    current().history = [];
  say(draft().graded ? "Sliders" : fractions ? "Ticks; scores of .5 and more are ticked" : "Ticks");
  show();
}

// ---- marks: row m lies between rows m - 1 and m, row 0 on top

function addMark(row) {
  const { marks } = draft();
  const wanted = Math.min(Math.max(Math.round(row), 1), shown.height - 1);
  if (shown.height < 2 || marks.length >= marksMax || marks.includes(wanted)) {
    say(marks.includes(wanted) ? "There is a mark already" : "No room for a mark", true);
    return;
  }
  edit(null, (changed) => {
    const place = changed.marks.filter((other) => other < wanted).length;
    changed.marks.splice(place, 0, wanted);
    changed.segments.splice(place, 0, copy(changed.segments[place]));
    for (const one of changed.segments) one.scores.tip_change = 1;
    mark = place;
    segment = place;
  });
  say(`Mark at row ${wanted}. Up and down move it; labels are now of the part above.`);
  focusMark();
}

function moveMark(index, row, about) {
  const { marks } = draft();
  const min = index > 0 ? marks[index - 1] + 1 : 1;
  const max = index + 1 < marks.length ? marks[index + 1] - 1 : shown.height - 1;
  const wanted = Math.min(Math.max(Math.round(row), min), max);
  if (wanted === marks[index]) return;
  edit(about, (changed) => {
    changed.marks[index] = wanted;
  });
}

// The part with more rows gives the labels of the two that become one.
function removeMark(index) {
  if (index < 0) {
    say("There is no mark", true);
    return;
  }
  edit(null, (changed) => {
    const ends = [0, ...changed.marks, shown.height];
    const above = ends[index + 1] - ends[index];
    const below = ends[index + 2] - ends[index + 1];
    changed.segments.splice(above >= below ? index + 1 : index, 1);
    changed.marks.splice(index, 1);
    if (changed.marks.length === 0) changed.segments[0].scores.tip_change = 0;
    mark = Math.min(index, changed.marks.length - 1);
    segment = Math.min(segment, changed.segments.length - 1);
  });
  byId("stage").focus();
  say(draft().marks.length ? "Mark removed" : "Mark removed, and the tip change with it");
}

function chooseSegment(index) {
  segment = Math.min(Math.max(index, 0), draft().segments.length - 1);
  lastEdit = "";
  show();
  say(byId("labels-title").textContent);
}

function focusMark() {
  byId("marks").children[mark]?.focus();
}

function nameOfSegment() {
  const { marks } = draft();
  if (marks.length === 0) return "Whole picture";
  if (segment === 0) return `Above row ${marks[0]}`;
  if (segment === marks.length) return `Below row ${marks[segment - 1]}`;
  return `Rows ${marks[segment - 1]} to ${marks[segment]}`;
}

// ---- the picture

function histogramOf(levels) {
  const counts = new Uint32Array(65536);
  for (const level of levels) counts[level]++;
  return counts;
}

// Shares of the range below and above which AUTO_SHARE of the pixels lie.
function automatic(counts, n) {
  const limit = n * AUTO_SHARE;
  let low = 0, high = 65535;
  for (let seen = counts[0]; seen <= limit && low < 65535; seen += counts[low]) low++;
  for (let seen = counts[65535]; seen <= limit && high > 0; seen += counts[high]) high--;
  if (high <= low) [low, high] = [0, 65535];
  return { low: low / 65535, high: high / 65535 };
}

async function fetchPicture(place) {
  const response = await fetch(`picture/${place}`);
  if (!response.ok) throw new Error((await response.json()).error);
  const buffer = await response.arrayBuffer();
  const head = new DataView(buffer);
  const width = head.getUint32(0, true);
  const height = head.getUint32(4, true);
  const levels = new Uint16Array(width * height);
  for (let i = 0; i < levels.length; i++) levels[i] = head.getUint16(8 + 2 * i, true);
  const histogram = histogramOf(levels);
  return { width, height, levels, histogram, auto: automatic(histogram, levels.length) };
}

function wantPicture(place) {
  if (!fetched.has(place)) {
    const wanted = fetchPicture(place);
    wanted.catch(() => fetched.delete(place));
    fetched.set(place, wanted);
    for (const other of fetched.keys())
      if (fetched.size > KEPT && other !== place && other !== at) fetched.delete(other);
  }
  return fetched.get(place);
}

function drawPicture() {
  const canvas = byId("picture");
  const context = canvas.getContext("2d");
  const image = context.createImageData(shown.width, shown.height);
  const low = contrast.low * 65535;
  const scale = 255 / Math.max((contrast.high - contrast.low) * 65535, 1);
  const { data } = image;
  for (let i = 0; i < shown.levels.length; i++) {
    const gray = (shown.levels[i] - low) * scale;
    data[4 * i] = data[4 * i + 1] = data[4 * i + 2] = gray; // clamped by its type
    data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

function drawHistogram() {
  const canvas = byId("histogram");
  const context = canvas.getContext("2d");
  const bins = new Float64Array(canvas.width);
  shown.histogram.forEach((count, level) => {
    bins[Math.floor((level / 65536) * bins.length)] += count;
  });
  const most = Math.sqrt(Math.max(...bins));
  context.clearRect(0, 0, canvas.width, canvas.height);
  bins.forEach((count, x) => {
    const inside = x / bins.length >= contrast.low && x / bins.length <= contrast.high;
    const height = (Math.sqrt(count) / most) * canvas.height;
    context.fillStyle = inside ? "#79c0ff" : "#4a555f";
    context.fillRect(x, canvas.height - height, 1, height);
  });
}

function setContrast(low, high, changed = true) {
  if (!shown) return;
  const least = 1 / 256;
  const bounded = Math.min(Math.max(low, 0), 1 - least);
  contrast = { low: bounded, high: Math.min(Math.max(high, bounded + least), 1), changed };
  byId("low").value = contrast.low;
  byId("high").value = contrast.high;
  drawPicture();
  drawHistogram();
}

function stepContrast(low, high) {
  if (!shown) return;
  const step = Math.max((shown.auto.high - shown.auto.low) / CONTRAST_STEPS, 1 / 4096);
  const limit = contrast.high - 1 / 256;
  setContrast(Math.min(contrast.low + low * step, limit), contrast.high + high * step);
}

function fitPicture() {
  if (!shown) return;
  const stage = byId("stage");
  const style = getComputedStyle(stage);
  const roomX = stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 24;
  const roomY = stage.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const scale = Math.min(roomX / shown.width, roomY / shown.height);
  const frame = byId("frame");
  frame.style.width = `${Math.floor(shown.width * scale)}px`;
  frame.style.height = `${Math.max(Math.floor(shown.height * scale), 1)}px`;
}

// ---- showing

function say(text, wrong = false) {
  const status = byId("status");
  status.textContent = text;
  status.classList.toggle("wrong", wrong);
}

function showLabels() {
  const value = draft();
  byId("labels-title").textContent = nameOfSegment();
  byId("labels").classList.toggle("graded", value.graded);
  byId("graded").setAttribute("aria-pressed", value.graded);
  byId("none").setAttribute("aria-pressed", value.none);
  rows.forEach((row, index) => {
    const { name } = labels[index];
    const score = part().scores[name];
    const fixed = name === "tip_change" && value.marks.length > 0;
    row.item.classList.toggle("chosen", score > 0);
    row.box.checked = score >= 0.5;
    row.box.disabled = row.range.disabled = fixed || !shown;
    row.range.value = score;
    row.output.textContent = score.toFixed(2).replace(/^0\./, ".");
    row.subkinds.forEach((box, k) => {
      box.checked = part().subkinds.includes(subkinds[k].name);
      box.disabled = !shown;
    });
  });
}

function showMarks() {
  const value = draft();
  const list = byId("marks");
  while (list.children.length > value.marks.length) list.lastChild.remove();
  while (list.children.length < value.marks.length) list.append(makeMark());
  value.marks.forEach((row, index) => {
    const line = list.children[index];
    line.style.top = `${(100 * row) / shown.height}%`;
    line.dataset.row = row;
    line.classList.toggle("chosen", index === mark);
    line.setAttribute("aria-label", `Tip change ${index + 1} of ${value.marks.length}`);
    line.setAttribute("aria-valuemin", 1);
    line.setAttribute("aria-valuemax", shown.height - 1);
    line.setAttribute("aria-valuenow", row);
    line.setAttribute("aria-valuetext", `row ${row} from the top`);
  });
  const ends = [0, ...value.marks, shown ? shown.height : 1];
  byId("segments").replaceChildren(...value.segments.map((_, index) => {
    const bar = document.createElement("div");
    const height = shown ? shown.height : 1;
    bar.style.top = `calc(${(100 * ends[index]) / height}% + 1px)`;
    bar.style.height = `calc(${(100 * (ends[index + 1] - ends[index])) / height}% - 2px)`;
    bar.classList.toggle("chosen", index === segment && value.segments.length > 1);
    bar.addEventListener("click", () => chooseSegment(index));
    return bar;
  }));
  byId("marks-say").textContent = value.marks.length ? "Page ↑ ↓: part" : "or click the picture";
  byId("unmark").disabled = value.marks.length === 0;
}

function showStanding() {
  const picture = current();
  const standing = byId("standing");
  const is = isChanged(picture) ? "changed" : picture.vote ? "saved" : picture.skipped ? "skipped" : "new";
  standing.dataset.is = is;
  standing.textContent = { changed: "not saved", saved: "saved", skipped: "skipped", new: "no vote yet" }[is];
  const done = pictures.filter((one) => one.vote).length;
  byId("name").textContent = picture.name;
  byId("position").textContent = `picture ${at + 1} of ${pictures.length}`;
  byId("count").textContent = `${done} with a vote`;
  byId("progress").max = pictures.length;
  byId("progress").value = done;
  byId("delete").disabled = !picture.vote;
  byId("save").disabled = !shown;
  document.title = `${done}/${pictures.length} Labels`;
}

function show() {
  showLabels();
  if (shown) showMarks();
  showStanding();
}

async function goTo(place) {
  at = place;
  shown = null;
  segment = 0;
  mark = -1;
  lastEdit = "";
  seenMs = 0;
  const picture = current();
  if (!picture.draft || !isChanged(picture)) {
    picture.draft = draftOf(picture.vote);
    picture.history = [];
  }
  byId("frame").style.visibility = "hidden";
  byId("failure").hidden = true;
  byId("marks").replaceChildren();
  if (document.activeElement?.matches("input, .mark")) byId("stage").focus();
  show();
  try {
    const found = await wantPicture(place);
    if (at !== place) return;
    shown = found;
  } catch (error) {
    if (at !== place) return;
    byId("failure").textContent = `${picture.name}: ${error.message}`;
    byId("failure").hidden = false;
    return;
  }
  const canvas = byId("picture");
  canvas.width = shown.width;
  canvas.height = shown.height;
  fitPicture();
  setContrast(shown.auto.low, shown.auto.high, false);
  byId("frame").style.visibility = "visible";
  seenSince = performance.now();
  show();
  const next = nextOpen();
  if (next >= 0) wantPicture(next).catch(() => {});
}

// The next picture to vote on: without vote, later before earlier, skipped ones last. -1: none.
function nextOpen() {
  const round = pictures.map((_, i) => (at + 1 + i) % pictures.length);
  const open = round.find((i) => !pictures[i].vote && !pictures[i].skipped && i !== at);
  return open ?? round.find((i) => !pictures[i].vote && i !== at) ?? -1;
}

function goOn() {
  const next = nextOpen();
  if (next >= 0) return goTo(next);
  show();
  say("Every picture has a vote of yours. Thank you.");
}

// ---- acts

async function ask(request) {
  const response = await fetch("act", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// Sends an act; true when it is done. One at a time.
async function act(request) {
  if (busy) return null;
  busy = true;
  try {
    const answer = await ask(request);
    if (answer.picture !== null)
      Object.assign(pictures[answer.picture],
        { vote: answer.vote, skipped: answer.skipped, draft: draftOf(answer.vote), history: [], once: null });
    return answer;
  } catch (error) {
    say(`Not done: ${error.message}`, true);
    return null;
  } finally {
    busy = false;
  }
}

function spentMs() {
  return Math.round(seenMs + (document.hidden ? 0 : performance.now() - seenSince));
}

function valueOf(picture) {
  const { graded, marks, segments } = picture.draft;
  return {
    width: shown.width,
    height: shown.height,
    graded,
    marks,
    segments,
    contrast: contrast.changed ? { low: contrast.low, high: contrast.high } : null,
  };
}

async function save() {
  if (!shown || busy) return;
  const picture = current();
  if (picture.vote && !isChanged(picture)) {
    await goOn();
    return;
  }
  if (isEmpty(picture.draft) && !picture.draft.none) {
    say("Nothing is ticked. 0 for none of these, or K to skip.", true);
    return;
  }
  const said = labels.filter(({ name }) => picture.draft.segments.some((one) => one.scores[name] > 0));
  picture.once ??= crypto.randomUUID();
  const answer = await act({
    act: "vote", once: picture.once, picture: at, spent_ms: spentMs(), value: valueOf(picture),
  });
  if (!answer) return;
  say(`Saved: ${said.map(({ title }) => title).join(", ") || "none of these"}`);
  await goOn();
}

async function skip() {
  if (busy) return;
  if (!current().vote &&
      !(await act({ act: "skip", once: crypto.randomUUID(), picture: at, spent_ms: shown ? spentMs() : 0 })))
    return;
  say("Skipped");
  await goOn();
}

async function deleteVote() {
  if (!current().vote) {
    say("There is no vote to delete", true);
    return;
  }
  if (await act({ act: "delete", once: crypto.randomUUID(), picture: at, spent_ms: shown ? spentMs() : 0 })) {
    segment = 0;
    mark = -1;
    show();
    say("Vote deleted. Z brings it back.");
  }
}

async function undo() {
  if (busy) return;
  const picture = current();
  lastEdit = "";
  if (isChanged(picture)) {
    const before = picture.history.pop();
    picture.draft = before.draft;
    picture.once = null;
    ({ segment, mark } = before);
    show();
    say("Change undone");
    return;
  }
  undoOnce ??= crypto.randomUUID();
  const answer = await act({ act: "undo", once: undoOnce });
  if (!answer) {
    if (byId("status").textContent.endsWith("nothing to undo")) undoOnce = null;
    return;
  }
  undoOnce = null;
  say(answer.picture === null ? `Undone; ${answer.name} is not in this folder` : "Undone");
  if (answer.picture !== null) await goTo(answer.picture);
}

// ---- making the panel

function makeRow(label, index) {
  const item = document.createElement("li");
  const line = document.createElement("div");
  line.className = "line";
  const key = document.createElement("kbd");
  key.textContent = index + 1;
  const box = Object.assign(document.createElement("input"), { type: "checkbox", id: `label-${label.name}` });
  const text = Object.assign(document.createElement("label"), { textContent: label.title, htmlFor: box.id });
  const range = Object.assign(document.createElement("input"),
    { type: "range", min: 0, max: 1, step: STEP, id: `score-${label.name}` });
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
    const box = Object.assign(document.createElement("input"), { type: "checkbox", id: `subkind-${subkind.name}` });
    const text = Object.assign(document.createElement("label"), { textContent: subkind.title, htmlFor: box.id });
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
  arrowleft: () => at > 0 && goTo(at - 1),
  arrowright: () => at + 1 < pictures.length && goTo(at + 1),
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

function pressCrisp() {
  const crisp = byId("frame").classList.toggle("crisp");
  byId("crisp").setAttribute("aria-pressed", crisp);
}

// Keys that the focused element uses by itself.
function isNative(event, key) {
  const { target } = event;
  if (target.matches("button")) return key === "enter" || key === " ";
  if (target.matches('input[type="checkbox"]')) return key === " ";
  if (target.matches('input[type="range"]'))
    return /^(arrow|page|home$|end$)/.test(key);
  return false;
}

function onKey(event) {
  const key = event.key.toLowerCase();
  const undoing = (event.ctrlKey || event.metaKey) && key === "z" && !event.shiftKey;
  if (byId("keys").open || event.altKey || ((event.ctrlKey || event.metaKey) && !undoing)) return;
  if (isNative(event, key) || at < 0) return;
  const digit = /^(Digit|Numpad)([0-6])$/.exec(event.code);
  let handler = letters[key];
  if (digit && !event.shiftKey) handler = digit[2] === "0" ? pressNone : () => pressLabel(digit[2] - 1);
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
    none: pressNone, graded: pressGraded, mark: letters.m, unmark: letters.x, auto: letters.a,
    crisp: pressCrisp, save, skip, undo, delete: deleteVote, back: letters.arrowleft,
    forward: letters.arrowright, help: letters.h,
  };
  for (const [id, handler] of Object.entries(buttons)) byId(id).addEventListener("click", () => handler());
  byId("picture").addEventListener("click", (event) => shown && addMark(rowAt(event)));
  byId("low").addEventListener("input", () => setContrast(Number(byId("low").value), contrast.high));
  byId("high").addEventListener("input", () => setContrast(contrast.low, Number(byId("high").value)));
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
  pictures = state.pictures.map((picture) => ({ ...picture, draft: null, history: [], once: null }));
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
