// PNG files on the labelling page, without a browser: what is served is what is in the file, a vote
// needs to have seen it, and a repeated request is done once.
//
// Usage: node label_pictures.mjs --tipwright PROGRAM --work FOLDER
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { deflateSync } from "node:zlib";

const { values: options } = parseArgs({
  options: { tipwright: { type: "string" }, work: { type: "string" } },
});
const SIDE = 16;
let failed = 0;

function check(what, ok, detail = "") {
  console.log(
    `${ok ? "ok" : "not ok"} - label pictures: ${what}${ok ? "" : ` (${JSON.stringify(detail)})`}`,
  );
  if (!ok) failed++;
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

// 8-bit grey PNG; gray(row, column).
function png(gray) {
  const head = Buffer.from([0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 0, 0, 0, 0]);
  const rows = Array.from({ length: SIDE }, (_, row) => [
    0,
    ...Array.from({ length: SIDE }, (__, column) => gray(row, column)),
  ]);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(Buffer.from(rows.flat()))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const ramp = (row, column) => row * SIDE + column;
const folder = `${options.work}/pictures`;
mkdirSync(`${folder}/below`, { recursive: true });
writeFileSync(`${folder}/ramp, one.png`, png(ramp));
writeFileSync(
  `${folder}/below/mirror.PNG`,
  png((row, column) => ramp(row, SIDE - 1 - column)),
);
writeFileSync(`${folder}/damaged.png`, png(ramp).subarray(0, 60));
writeFileSync(`${folder}/notes.txt`, "no picture");

const server = spawn(
  options.tipwright,
  [
    "labels",
    "serve",
    "--images",
    folder,
    "--store",
    `${options.work}/pictures.sqlite`,
    "--user",
    "Zoë",
  ],
  { stdio: ["ignore", "pipe", "ignore"] },
);
const url = await new Promise((resolve, reject) => {
  createInterface({ input: server.stdout }).on("line", resolve);
  server.on("exit", (code) => reject(new Error(`ended with ${code}`)));
});
const state = async () => (await fetch(`${url}state`)).json();
async function act(request) {
  const answer = await fetch(`${url}act`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: new URL(url).origin },
    body: JSON.stringify(request),
  });
  return { code: answer.status, ...(await answer.json()) };
}

const { pictures, labels, user } = await state();
const names = pictures.map(({ name }) => name);
check(
  "folders below are looked at, other files not",
  [...names].sort().join() === "below/mirror.PNG,damaged.png,ramp, one.png",
  names,
);
check("names in any letters", user === "Zoë", user);

const scores = Object.fromEntries(labels.map(({ name }) => [name, Number(name === "rows")]));
const value = {
  width: SIDE,
  height: SIDE,
  graded: false,
  marks: [],
  segments: [{ scores, subkinds: [] }],
  contrast: null,
};
const place = names.indexOf("ramp, one.png");
const vote = { act: "vote", once: "first-vote", picture: place, spent_ms: 10, value };
check("no vote on what was not shown", (await act(vote)).code === 400);

const levels = new DataView(await (await fetch(`${url}picture/${place}`)).arrayBuffer());
let equal =
  levels.getUint32(0, true) === SIDE &&
  levels.getUint32(4, true) === SIDE &&
  levels.byteLength === 8 + 2 * SIDE * SIDE;
for (let i = 0; equal && i < SIDE * SIDE; i++)
  equal = levels.getUint16(8 + 2 * i, true) === i * 257;
check("every level is served, the top row first", equal);
const broken = await fetch(`${url}picture/${names.indexOf("damaged.png")}`);
check(
  "a damaged file is said to be one",
  broken.status === 422 && (await broken.json()).error.length > 0,
  broken.status,
);
check("there is no picture beyond the last", (await fetch(`${url}picture/3`)).status === 404);

check("a vote on what was shown", (await act(vote)).code === 200);
check(
  "a vote that says something else by the same name is the first",
  (await act(vote)).vote.segments[0].scores.rows === 1,
);
check(
  "a vote with a member too many is refused",
  (await act({ ...vote, once: "other-vote", user: "Eve" })).code === 400,
);
check(
  "a score beyond 1 is refused",
  (
    await act({
      ...vote,
      once: "other-vote",
      value: { ...value, segments: [{ scores: { ...scores, rows: 2 }, subkinds: [] }] },
    })
  ).code === 400,
);
check(
  "what was voted on cannot be skipped",
  (await act({ act: "skip", once: "skip-this", picture: place, spent_ms: 1 })).code === 409,
);
check("undo takes it back", (await act({ act: "undo", once: "undo-that" })).vote === null);
check(
  "the same request again does no more",
  (await act({ act: "undo", once: "undo-that" })).code === 200,
);
check(
  "then there is nothing to undo",
  (await act({ act: "undo", once: "undo-more" })).code === 409,
);
check(
  "the state says so",
  (await state()).pictures.every(({ vote: stands }) => stands === null),
);
server.removeAllListeners("exit");
server.kill("SIGTERM");
process.exit(failed ? 1 : 0);
