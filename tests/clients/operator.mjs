// An operator written from docs/protocol.md alone: follows the feed, takes control, arms, holds,
// resumes, disarms and stops an agent, checks after each that the state says so, and that a
// request the agent must refuse is refused.
//
// Usage: node operator.mjs [--console ENDPOINT] [--feed ENDPOINT] [--seconds N]
// Exit status: 0 everything answered as documented, 1 not, 2 usage.
import { parseArgs } from "node:util";
import { Dealer, Subscriber } from "zeromq";

const TAG = "TWO1";

const { values: options } = (() => {
  try {
    return parseArgs({
      options: {
        console: { type: "string", default: "tcp://127.0.0.1:47103" },
        feed: { type: "string", default: "tcp://127.0.0.1:47104" },
        seconds: { type: "string", default: "60" },
      },
    });
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
})();

const requests = new Dealer({ linger: 200, immediate: true });
const feed = new Subscriber();
const waiting = new Map();
const topics = {};
const failures = [];
let checks = 0;
let lastId = 0;
let lastFeedSeq = 0;
let holes = 0;

requests.connect(options.console);
feed.connect(options.feed);
feed.subscribe("");

function check(what, ok, detail = "") {
  checks++;
  console.log(`${ok ? "ok" : "not ok"} - operator.mjs: ${what}${ok ? "" : ` (${detail})`}`);
  if (!ok) failures.push(what);
}

let queue = Promise.resolve();
function ask(verb, fields = {}) {
  const id = ++lastId;
  queue = queue.then(() => requests.send([TAG, JSON.stringify({ id, verb, ...fields })]));
  return new Promise((resolve) => waiting.set(id, resolve));
}

async function listen() {
  for await (const [tag, json] of requests) {
    if (tag.toString() !== TAG) continue;
    const answer = JSON.parse(json.toString());
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  }
}

async function follow() {
  for await (const [topic, json] of feed) {
    const news = JSON.parse(json.toString());
    if (news.topic !== topic.toString()) failures.push("topic differs from its frame");
    if (lastFeedSeq && news.feed_seq !== lastFeedSeq + 1) holes++;
    lastFeedSeq = news.feed_seq;
    topics[news.topic] = (topics[news.topic] ?? 0) + 1;
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function state() {
  return (await ask("status")).result;
}

async function until(what, holds) {
  let now = await state();
  while (!holds(now)) {
    await sleep(50);
    now = await state();
  }
  check(what, true);
  return now;
}

async function expectOk(verb, fields = {}) {
  const answer = await ask(verb, fields);
  check(`${verb} is answered ok`, answer.ok, JSON.stringify(answer));
  return answer;
}

async function expectRefusal(what, error, verb, fields = {}) {
  const answer = await ask(verb, fields);
  check(`${what} is refused as ${error}`, !answer.ok && answer.error === error,
    JSON.stringify(answer));
}

async function expectState(what, holds) {
  const now = await state();
  check(what, holds(now), JSON.stringify({ safety: now.safety, why: now.why, armed: now.armed }));
}

async function main() {
  const first = await until("an instrument is connected", (s) => s.instrument?.connected);
  check("the agent starts in hold", first.safety === "hold" && !first.armed, first.safety);
  check("the agent says who I am", /^operator:/.test(first.you), first.you);

  await expectRefusal("an unknown verb", "invalid", "jump");
  await expectRefusal("an action without its unit", "invalid", "do",
    { action: "pulse", parameters: { voltage: 2.3 } });
  await expectRefusal("a strong pulse without confirmation", "guard", "do",
    { action: "pulse", parameters: { voltage: "4.5 V" } });

  await expectRefusal("a label that is none", "invalid", "judge", { labels: { dimmers: true } });
  await expectRefusal("a frame that was not", "invalid", "judge",
    { frame: "9999_1 up", labels: { dimers: true } });

  await expectOk("lock");
  await expectOk("annotate", { text: "operator.mjs was here" });
  const before = await state();
  await expectOk("arm");
  await expectState("armed after arm", (s) => s.armed && s.safety === "armed");
  await expectOk("hold", { why: "operator.mjs looks" });
  await expectState("in hold, and confirmed by the instrument",
    (s) => s.safety === "hold" && s.hold_confirmed && s.epoch > before.epoch);
  await expectOk("resume");
  await expectState("armed again after resume", (s) => s.safety === "armed");
  await until("verdicts arrive", (s) => s.verdict && topics.verdict > 0);
  await expectOk("stop");
  await expectState("withdrawn after stop",
    (s) => s.safety !== "armed" && s.instrument.state === "withdrawn");
  const history = await expectOk("history");
  check("the note is in the history",
    JSON.stringify(history.result).includes("operator.mjs was here"));
  await expectOk("unlock");
  check("the feed had states and verdicts", topics.state > 0 && topics.verdict > 0,
    JSON.stringify(topics));
  check("the feed had no hole", holes === 0, `${holes}`);
  finish();
}

function finish() {
  console.log(`operator.mjs: ${checks} checks, ${failures.length} failed, feed ` +
    JSON.stringify(topics));
  requests.close();
  feed.close();
  process.exit(failures.length ? 1 : 0);
}

setTimeout(() => {
  check("done in time", false, `open requests: ${[...waiting.keys()]}`);
  finish();
}, Number(options.seconds) * 1000);
listen();
follow();
main();
