// The labelling page in a real browser, used as a person with a keyboard uses it. What it stores is
// seen through `tipwright labels export`.
//
// Usage: node label_page.mjs --tipwright PROGRAM --matrix FOLDER --work FOLDER [--pictures FOLDER]
// --work: for the store and the browser's files; --pictures: where screenshots go.
// Exit status: 0 everything as documented, 1 not.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { KEY, openBrowser } from "./webdriver.mjs";

const { values: options } = parseArgs({
  options: {
    tipwright: { type: "string" },
    matrix: { type: "string" },
    work: { type: "string" },
    pictures: { type: "string" },
  },
});
const store = `${options.work}/votes.sqlite`;
const WAIT_MS = 10000;
let failed = 0;
let browser;
let page; // the server: {process, url}

function check(what, ok, detail = "") {
  console.log(
    `${ok ? "ok" : "not ok"} - label page: ${what}${ok ? "" : ` (${JSON.stringify(detail)})`}`,
  );
  if (!ok) failed++;
}

async function until(what, look, holds) {
  const end = Date.now() + WAIT_MS;
  let seen = await look();
  while (!holds(seen) && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    seen = await look();
  }
  check(what, holds(seen), seen);
  return seen;
}

// ---- the server

async function serve(votes = store) {
  const server = spawn(
    options.tipwright,
    [
      "labels",
      "serve",
      "--matrix",
      options.matrix,
      "--store",
      votes,
      "--user",
      "Ada",
      "--seed",
      "5",
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  for await (const line of createInterface({ input: server.stdout }))
    return { process: server, url: line.trim() };
  throw new Error("no address");
}

function ended(server) {
  return new Promise((resolve) => server.on("exit", resolve));
}

// ---- the store

function parseCsv(text) {
  const rows = [[""]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    const row = rows.at(-1);
    row[row.length - 1] = quoted === undefined ? plain : quoted.replaceAll('""', '"');
    if (end === ",") row.push("");
    else rows.push([""]);
  }
  rows.pop();
  const [header, ...body] = rows;
  return body.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i]])));
}

function exported() {
  const marks = `${options.work}/marks.csv`;
  const csv = execFileSync(options.tipwright, ["labels", "export", store, "--marks", marks], {
    encoding: "utf8",
  });
  return parseCsv(csv).map((row) => {
    const tasks = Object.fromEntries(
      JSON.parse(row.annotations).map(({ task, value }) => [task, value]),
    );
    return { ...row, tasks, image: Object.values(JSON.parse(row.subject_data))[0].Filename };
  });
}

const voteOn = (image) => exported().find((row) => row.image === image);

// ---- the page

const status = () => browser.see("document.getElementById('status').textContent");
const text = (id) => browser.see("document.getElementById(arguments[0]).textContent", id);
const image = () => text("name");
const isShown = () =>
  browser.see("document.getElementById('frame').style.visibility === 'visible'");

// Presses keys that lead to another picture, and waits until that is there.
async function pressOn(what, ...keys) {
  const before = await image();
  await browser.press(...keys);
  await until(
    what,
    async () => ({ on: await image(), shown: await isShown() }),
    ({ on, shown }) => on !== before && shown,
  );
}

// Pictures for people: what the page looks like with this scan and after these keys.
async function picture(name, scan, ...keys) {
  await browser.press(KEY.escape);
  let on = await image();
  for (const way of [KEY.left, KEY.right])
    for (let last = ""; on !== last && !on.endsWith(scan); on = await image()) {
      last = on;
      await browser.press(way);
    }
  await until(`${scan} is there`, isShown, Boolean);
  await browser.press(...keys);
  writeFileSync(`${options.pictures}/labelling-${name}.png`, await browser.screenshot());
}

async function takePictures() {
  if (!options.pictures) return;
  mkdirSync(options.pictures, { recursive: true });
  page.process.kill("SIGTERM");
  page = await serve(`${options.work}/pictures.sqlite`);
  await browser.open(page.url);
  await until("a page for pictures is there", isShown, Boolean);
  await picture("ticks", "--1_1.Z_mtrx", "3");
  await picture("marks", "--1_7.Z_mtrx", "3", "m", KEY.up, KEY.up, KEY.pageDown, "3", "6", "n");
  await picture(
    "sliders",
    "--1_5.Z_mtrx",
    "s",
    "4",
    "4",
    KEY.left,
    KEY.left,
    "6",
    KEY.right,
    KEY.right,
    KEY.right,
  );
  await picture("keys", "--1_1.Z_mtrx", "h");
  await browser.press(KEY.escape);
}

async function testTicks() {
  await until("a picture is there", isShown, Boolean);
  check("nothing is chosen yet", (await text("count")) === "0 with a vote", await text("count"));
  await browser.press(KEY.enter);
  await until("an empty vote is not taken", status, (said) => said.startsWith("Nothing is ticked"));
  check("and not stored", exported().length === 0);

  const first = await image();
  await browser.press("3", "4", "1", "1");
  await pressOn("a vote leads to the next picture", KEY.enter);
  const vote = voteOn(first);
  check("two labels at once are stored", String(vote?.tasks.T0) === "Dimers,Rows", vote?.tasks);
  check("with the name of the person", vote?.user_name === "Ada", vote?.user_name);
  check("and no slider's answers", !("T4" in (vote?.tasks ?? {})), vote?.tasks);

  const second = await image();
  await browser.press("n", "c", "c");
  await pressOn("noise makes it bad", KEY.enter);
  const bad = voteOn(second)?.tasks;
  check(
    "the sub-kind is stored",
    String(bad?.T0) === "Bad/Blurry" && String(bad?.T1) === "Noise",
    bad,
  );
  return first;
}

async function testMarks() {
  const name = await image();
  await browser.press("3", "m");
  const middle = await browser.see("Number(document.activeElement.getAttribute('aria-valuenow'))");
  const height = await browser.see("document.getElementById('picture').height");
  check("a mark starts in the middle, with the focus", middle === Math.round(height / 2), middle);
  await browser.press(KEY.up, KEY.up, KEY.up, [KEY.shift, KEY.up]);
  const row = await browser.see("Number(document.activeElement.getAttribute('aria-valuenow'))");
  check("arrows move it by one, with shift by ten", row === middle - 13, row);
  check("labels are now of the part above", (await text("labels-title")) === `Above row ${row}`);
  await browser.press("3", "6", KEY.pageDown);
  check("page down goes to the part below", (await text("labels-title")) === `Below row ${row}`);
  await browser.press("5");
  await until("a mark is a tip change", status, (said) =>
    said.startsWith("A mark is a tip change"),
  );

  const box = await browser.see(
    "document.getElementById('picture').getBoundingClientRect().height",
  );
  await browser.click("#picture", 0, Math.round(box / 4));
  const marks = "[...document.querySelectorAll('.mark')].map((mark) => Number(mark.dataset.row))";
  const [, clicked] = await browser.see(marks);
  check("a click makes a mark at its line", Math.abs(clicked - 0.75 * height) <= 1.5, clicked);
  await browser.press("x");
  check(
    "a mark can be removed",
    String(await browser.see(marks)) === String(row),
    await browser.see(marks),
  );
  await pressOn("a vote with a mark", KEY.enter);

  const vote = voteOn(name)?.tasks;
  const [above, below] = vote?.T3 ?? [];
  check("the mark is stored as a point", vote?.T2.length === 1 && vote.T2[0].y === row, vote?.T2);
  check(
    "each part with its own labels",
    String(above?.choices) === "Tip Change,Bad/Blurry" &&
      String(below?.choices) === "Dimers,Tip Change",
    vote?.T3,
  );
  check("the whole has them all", String(vote?.T0) === "Dimers,Tip Change,Bad/Blurry", vote?.T0);
}

async function testSliders() {
  const name = await image();
  await browser.press(
    "s",
    "3",
    KEY.right,
    KEY.right,
    KEY.right,
    KEY.right,
    KEY.right,
    KEY.right,
    KEY.right,
  );
  check(
    "a digit goes to its slider",
    (await browser.see("document.activeElement.id")) === "score-dimers",
  );
  await browser.press("6", "6", KEY.left, KEY.left, KEY.left, KEY.left);
  await browser.press("r", "r", "r", "q");
  await pressOn("a vote from a slider", KEY.enter);
  const vote = voteOn(name);
  check("scores are stored", vote?.tasks.T6 === "0.35" && vote.tasks.T9 === "0.80", vote?.tasks);
  check("the tick is for a half and more", String(vote?.tasks.T0) === "Bad/Blurry", vote?.tasks.T0);
  const { contrast } = JSON.parse(vote?.metadata ?? "{}");
  check("a changed contrast is on record", contrast && contrast.low < contrast.high, contrast);
  await browser.press("s");
}

async function testUndo(first) {
  const none = await image();
  await browser.press("0");
  await pressOn("none of the six is a vote", KEY.enter);
  check("and stored as one", voteOn(none)?.tasks.T0.length === 0, voteOn(none)?.tasks);
  const skipped = await image();
  await pressOn("a picture can be skipped", "k");
  await pressOn("undo goes back to what was skipped", "z");
  check("to that one", (await image()) === skipped);
  await pressOn("undo takes a vote back", "z");
  check("of the picture before", (await image()) === none && !voteOn(none), await image());

  await browser.press("1", "2");
  await browser.press("z");
  const checked = await browser.see(
    "[...document.querySelectorAll('#labels input:checked')].map(({ id }) => id)",
  );
  check("undo is for single keys, too", String(checked) === "label-asymmetries", checked);
  await browser.press("z");
  await browser.press("0");
  await pressOn("the vote is given once more", KEY.enter);

  const before = exported().length;
  while ((await image()) !== first) await pressOn("back", KEY.left);
  check(
    "an earlier vote is shown",
    await browser.see("document.getElementById('label-dimers').checked"),
  );
  await browser.press("d");
  await until("a vote can be deleted", status, (said) => said.startsWith("Vote deleted"));
  check("it is no longer exported", exported().length === before - 1 && !voteOn(first));
  await browser.press("z");
  await until(
    "and brought back",
    () => text("standing"),
    (said) => said === "saved",
  );
  check("as it was", String(voteOn(first)?.tasks.T0) === "Dimers,Rows", voteOn(first)?.tasks);
  await browser.press("4", "5");
  await pressOn("a vote can be changed", KEY.enter);
  check(
    "only the newest counts",
    exported().length === before && String(voteOn(first)?.tasks.T0) === "Dimers,Tip Change",
    voteOn(first)?.tasks,
  );
}

async function testReload() {
  const before = {
    on: await image(),
    count: await text("count"),
    position: await text("position"),
  };
  await browser.reload();
  await until("a reload resumes", isShown, Boolean);
  const after = { on: await image(), count: await text("count"), position: await text("position") };
  check(
    "at the same picture, with the same count",
    JSON.stringify(after) === JSON.stringify(before),
    [before, after],
  );
  const old = page.url;
  const end = ended(page.process);
  page.process.kill("SIGINT");
  check("Ctrl-C ends the server", (await end) === 0);
  page = await serve();
  check("another run has another address", page.url !== old);
  await browser.open(page.url);
  await until("a restart resumes", isShown, Boolean);
  check(
    "in the same order",
    (await image()) === before.on && (await text("position")) === before.position,
  );
}

async function testAccess() {
  const outside = await browser.see(
    `performance.getEntriesByType('resource')
       .filter(({ name }) => !name.startsWith(location.origin)).length`,
  );
  check("nothing is loaded from elsewhere", outside === 0, outside);
  await browser.press("h");
  check("H shows all keys", await browser.see("document.getElementById('keys').open"));
  await browser.press(KEY.escape);

  const reachable = await browser.see(
    `[...document.querySelectorAll('button, input')]
       .filter((one) => !one.disabled && one.checkVisibility()).length`,
  );
  const reached = new Set();
  let unseen = 0;
  for (let i = 0; i < reachable + 3; i++) {
    await browser.press(KEY.tab);
    const [id, outlined] = await browser.see(
      `[document.activeElement.id,
         getComputedStyle(document.activeElement).outlineStyle !== 'none']`,
    );
    if (id) reached.add(id);
    if (id && !outlined) unseen++;
  }
  reached.delete("stage");
  check("Tab reaches every control", reached.size === reachable, [reached.size, reachable]);
  check("and one sees where it is", unseen === 0, unseen);
}

// ---- others

function request(
  headers,
  { path = new URL(page.url).pathname + "act", method = "POST", body = "{}" } = {},
) {
  const { port } = new URL(page.url);
  return new Promise((resolve, reject) => {
    const asked = http.request(
      { host: "127.0.0.1", port, path, method, headers, agent: false },
      (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode));
      },
    );
    asked.on("error", reject);
    if (method === "POST") asked.write(body);
    asked.end();
  });
}

async function testForeign() {
  const { origin, host, pathname } = new URL(page.url);
  const json = { "Content-Type": "application/json" };
  const before = exported().length;
  const body = JSON.stringify({ act: "undo", once: "from-elsewhere" });
  const cases = [
    ["no origin", 403, json, { body }],
    ["a foreign origin", 403, { ...json, Origin: "http://evil.example" }, { body }],
    [
      "an origin of the same host on another port",
      403,
      { ...json, Origin: "http://127.0.0.1:1" },
      { body },
    ],
    [
      "a name that points here",
      421,
      { ...json, Origin: origin, Host: `evil.example:${new URL(page.url).port}` },
      { body },
    ],
    [
      "a request that a browser calls cross-site",
      403,
      { ...json, Origin: origin, "Sec-Fetch-Site": "cross-site" },
      { body },
    ],
    ["a wrong token", 404, { ...json, Origin: origin }, { path: `/${"0".repeat(32)}/act`, body }],
    ["no token", 404, {}, { path: "/", method: "GET" }],
    ["a form", 415, { Origin: origin, "Content-Type": "text/plain" }, { body }],
    ["a change by GET", 404, { Origin: origin }, { method: "GET" }],
    ["another method", 405, { Origin: origin }, { method: "DELETE" }],
    ["a request that is too large", 413, { ...json, Origin: origin }, { body: "x".repeat(100000) }],
    ["no JSON", 400, { ...json, Origin: origin }, { body: "act" }],
    [
      "an unknown act",
      400,
      { ...json, Origin: origin },
      { body: JSON.stringify({ act: "drop", once: "12345678" }) },
    ],
  ];
  for (const [what, wanted, headers, how] of cases) {
    const code = await request(headers, how);
    check(`${what} is refused`, code === wanted, code);
  }
  check(
    "the page itself is let in",
    (await request({ Host: host }, { path: pathname, method: "GET" })) === 200,
  );

  // A page from elsewhere, in the same browser, that has even learnt the address.
  const elsewhere = http.createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end("<title>elsewhere</title><iframe></iframe>");
  });
  await new Promise((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  await browser.open(`http://127.0.0.1:${elsewhere.address().port}/`);
  const got = await browser.run(
    `
    const [url, body] = arguments;
    const tries = [{ mode: "no-cors", method: "POST", body }, { mode: "cors", method: "POST", body,
      headers: { "Content-Type": "application/json" } }, { mode: "cors" }];
    return Promise.all(tries.map((how) => fetch(url, how).then((r) => r.type, () => "failed")));`,
    `${page.url}act`,
    body,
  );
  check(
    "a foreign page gets nothing",
    got.every((type) => type === "opaque" || type === "failed"),
    got,
  );
  elsewhere.close();
  check("and nobody changed a vote", exported().length === before);
}

async function testAddress() {
  const outer = Object.values(os.networkInterfaces())
    .flat()
    .find((one) => !one.internal && one.family === "IPv4");
  if (!outer) {
    console.log("skip - label page: this machine has no other address to try");
    return;
  }
  const reached = await new Promise((resolve) => {
    const socket = net.connect(Number(new URL(page.url).port), outer.address, () => resolve(true));
    socket.on("error", () => resolve(false));
  });
  check("no other address of this machine is served", !reached, outer.address);
}

async function main() {
  page = await serve();
  browser = await openBrowser(`${options.work}/profile`, [1360, 900]);
  await browser.open(page.url);
  const first = await testTicks();
  await testMarks();
  await testSliders();
  await testUndo(first);
  await testReload();
  await testAccess();
  await testForeign();
  await testAddress();
  await takePictures();
}

main()
  .catch((error) => check(error.stack ?? String(error), false))
  .finally(async () => {
    await browser?.close();
    page?.process.kill("SIGTERM");
    process.exit(failed ? 1 : 0);
  });
