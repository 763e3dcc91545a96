// Votes: what is said of the picture shown, and what of it the server has. Its answers and what it
// is asked: docs/labelling.md.
"use strict";

let user = "";
let labels = [];
let subkinds = [];
let marksMax = 0;
let pictures = []; // {name, vote, skipped, draft, history}
let at = -1; // which is shown
let segment = 0; // which part the labels are about
let mark = -1; // which mark keys move
let lastEdit = ""; // what the last change was about
let busy = false; // an act is on its way
let undoOnce = null; // of an undo that was not answered
let seenMs = 0;
let seenSince = 0;
const rows = []; // the label panel's elements

// ---- votes

const emptySegment = () => ({
  scores: Object.fromEntries(labels.map((label) => [label.name, 0])),
  subkinds: [],
});
const copy = (value) => JSON.parse(JSON.stringify(value));

function draftOf(vote) {
  if (!vote)
    return {
      graded: byId("labels").classList.contains("graded"),
      none: false,
      marks: [],
      segments: [emptySegment()],
    };
  const draft = copy({
    graded: vote.graded,
    none: false,
    marks: vote.marks,
    segments: vote.segments,
  });
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
    Object.values(one.scores).some((score) => score > 0 && score < 1),
  );
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
  byId("segments").replaceChildren(
    ...value.segments.map((_, index) => {
      const bar = document.createElement("div");
      const height = shown ? shown.height : 1;
      bar.style.top = `calc(${(100 * ends[index]) / height}% + 1px)`;
      bar.style.height = `calc(${(100 * (ends[index + 1] - ends[index])) / height}% - 2px)`;
      bar.classList.toggle("chosen", index === segment && value.segments.length > 1);
      bar.addEventListener("click", () => chooseSegment(index));
      return bar;
    }),
  );
  byId("marks-say").textContent = value.marks.length ? "Page ↑ ↓: part" : "or click the picture";
  byId("unmark").disabled = value.marks.length === 0;
}

function showStanding() {
  const picture = current();
  const standing = byId("standing");
  const is = isChanged(picture)
    ? "changed"
    : picture.vote
      ? "saved"
      : picture.skipped
        ? "skipped"
        : "new";
  standing.dataset.is = is;
  standing.textContent = {
    changed: "not saved",
    saved: "saved",
    skipped: "skipped",
    new: "no vote yet",
  }[is];
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
    const found = await wantPicture(place, at);
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
  if (next >= 0) wantPicture(next, at).catch(() => {});
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
  say(
    current().vote ? "Every picture has a vote of yours. Thank you." : "Only this one has no vote.",
  );
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
      Object.assign(pictures[answer.picture], {
        vote: answer.vote,
        skipped: answer.skipped,
        draft: draftOf(answer.vote),
        history: [],
        once: null,
      });
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
  const said = labels.filter(({ name }) =>
    picture.draft.segments.some((one) => one.scores[name] > 0),
  );
  picture.once ??= crypto.randomUUID();
  const answer = await act({
    act: "vote",
    once: picture.once,
    picture: at,
    spent_ms: spentMs(),
    value: valueOf(picture),
  });
  if (!answer) return;
  say(`Saved: ${said.map(({ title }) => title).join(", ") || "none of these"}`);
  await goOn();
}

async function skip() {
  if (busy) return;
  if (
    !current().vote &&
    !(await act({
      act: "skip",
      once: crypto.randomUUID(),
      picture: at,
      spent_ms: shown ? spentMs() : 0,
    }))
  )
    return;
  say("Skipped");
  await goOn();
}

async function deleteVote() {
  if (!current().vote) {
    say("There is no vote to delete", true);
    return;
  }
  if (
    await act({
      act: "delete",
      once: crypto.randomUUID(),
      picture: at,
      spent_ms: shown ? spentMs() : 0,
    })
  ) {
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
