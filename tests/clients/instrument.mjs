// An instrument written from docs/protocol.md alone: connects to an agent, says hello, keeps the
// lease, sends frames of lines, executes commands at most once, and says what it saw.
//
// Usage: node instrument.mjs [--data ENDPOINT] [--command ENDPOINT] [--frames N] [--points N]
//                            [--paced MS] [--until-action] [--seconds N]
// Exit status: 0 all frames sent and acknowledged (with --until-action: and an action executed),
// 1 not so after --seconds (default 60), 2 usage.
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { Dealer, Push } from "zeromq";

const TAG = "TWC1";
const FIRST_FREE_ID = 2n ** 62n;

const { values: options } = (() => {
  try {
    return parseArgs({
      options: {
        data: { type: "string", default: "tcp://127.0.0.1:47101" },
        command: { type: "string", default: "tcp://127.0.0.1:47102" },
        frames: { type: "string", default: "2" },
        points: { type: "string", default: "64" },
        paced: { type: "string" },
        "until-action": { type: "boolean", default: false },
        seconds: { type: "string", default: "60" },
      },
    });
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
})();

const gated = options.paced === undefined;
const points = Number(options.points);
const session = randomBytes(8).toString("hex");
const startedNs = process.hrtime.bigint();
const seen = { welcomes: 0, pings: 0, acks: 0, commands: {}, rejected: 0, expired: 0, repeated: 0 };

const clock = {
  instNs: 0, // stays below 2^53 for months
  hostNs: () => Number(process.hrtime.bigint() - startedNs),
};
const stream = { seq: 0, acked: 0, scan: 0, kept: new Map() };
const agent = { contact: 0, leased: false, leaseMs: 0, everLeased: false, timer: null };
const work = { lastId: 0n, epoch: 0, running: 0, events: 0, ackedEvents: 0, answers: new Map() };
const tip = { scanning: false, withdrawn: false, why: "", actions: 0 };

const limits = {
  pulse: { voltage: [-4, 4], duration: [0.001, 0.2], count: [1, 5], x: [-1, 1], y: [-1, 1] },
  crash: {
    depth: [0.05e-9, 2e-9], speed: [0.05e-9, 5e-9], dwell: [0, 5], bias: [-4, 4],
    x: [-1, 1], y: [-1, 1],
  },
  retract: { coarse_steps: [0, 10], lateral_steps: [0, 10] },
  approach: {},
  reimage: { dx: [-1e-6, 1e-6], dy: [-1e-6, 1e-6] },
};

const data = new Push({ linger: 1000, immediate: true, sendHighWaterMark: 1000 });
const control = new Dealer({ routingId: "instrument", linger: 200, immediate: true });
data.connect(options.data);
control.connect(options.command);

// Sends on one socket must not overlap.
let controlQueue = Promise.resolve();
let dataQueue = Promise.resolve();
function sendControl(message) {
  controlQueue = controlQueue.then(() => control.send([TAG, JSON.stringify(message)]));
}
function push(header, samples) {
  dataQueue = dataQueue.then(() => data.send([JSON.stringify(header), samples]));
  return dataQueue;
}

const big = (n) => (n > BigInt(Number.MAX_SAFE_INTEGER) ? n.toString() : Number(n));

function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function sayHello() {
  sendControl({
    type: "hello", protocol: "tipwright.control/1.0", session, contact: agent.contact,
    name: "instrument.mjs", simulated: true, gated, last_id: big(work.lastId),
    epoch: work.epoch, host_ns: clock.hostNs(), limits,
  });
}

function state() {
  if (work.running) return "acting";
  if (tip.withdrawn) return "withdrawn";
  return tip.scanning ? "scanning" : "idle";
}

function sayStatus() {
  sendControl({
    type: "status", session, host_ns: clock.hostNs(), t_inst_ns: clock.instNs, state: state(),
    z_m: 0, current_a: 5e-11, bias_v: -2, feedback_on: true, last_seq: stream.seq, dropped: 0,
    epoch: work.epoch, command_id: work.running, text: tip.why,
  });
}

function sayEvent(id, eventState, text = "") {
  const event = {
    type: "event", event: ++work.events, session, id: big(id), state: eventState,
    data_seq: stream.seq, epoch: work.epoch, t_inst_ns: clock.instNs, crash_detected: false, text,
  };
  const answer = work.answers.get(id);
  if (answer) Object.assign(answer, { state: eventState, text });
  sendControl(event);
}

async function sendData(header, samples = Buffer.alloc(0)) {
  const whole = {
    proto: "tipwright.data/1.0", session, seq: ++stream.seq, scan: stream.scan,
    t_inst_ns: clock.instNs, t_utc_us: Date.now() * 1000, dtype: "<f8",
    shape: [samples.length / 8], flags: ["simulated"], ...header,
  };
  stream.kept.set(whole.seq, [whole, samples]);
  stream.kept.delete(whole.seq - 4 * points);
  await push(whole, samples);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Gated: everything sent has been acknowledged, and no action runs.
async function mayGoOn() {
  const free = () => agent.leased && !work.running &&
    (!gated || (stream.acked >= stream.seq && work.ackedEvents >= work.events));
  if (!gated) await sleep(Number(options.paced));
  while (!free()) await sleep(1);
}

// Atoms in rows, a little tilt, and noise that looks random and is not.
function samplesOf(line) {
  const buffer = Buffer.alloc(points * 8);
  for (let i = 0; i < points; i++) {
    const noise = Math.sin(12.9898 * i + 78.233 * line + stream.scan) * 43758.5453;
    const atoms = 5e-11 * Math.sin(line / 2) * Math.sin(i / 1.5);
    const z = atoms + 1e-12 * i + 1e-11 * (noise - Math.floor(noise));
    buffer.writeDoubleLE(z, i * 8);
  }
  return buffer;
}

async function sendFrame() {
  stream.scan++;
  await mayGoOn();
  await sendData({
    type: "scan_begin",
    geometry: {
      points, lines: points, x_retrace: true, y_retrace: false, width_m: 1e-8, height_m: 1e-8,
      x_offset_m: 0, y_offset_m: 0, angle_deg: 0, raster_time_s: 1e-3, bias_v: -2,
      setpoint_a: 5e-11,
    },
  });
  for (let line = 0; line < points && tip.scanning; line++) {
    for (const direction of ["forward", "backward"]) {
      await mayGoOn();
      if (!tip.scanning) break;
      clock.instNs += points * 1e6;
      const samples = samplesOf(line);
      await sendData({
        type: "line", run: 1, cycle: stream.scan, line, trace: `${direction}/up`, direction,
        channel: "Z", unit: "m", scale: 1, offset: 0, crc32c: crc32c(samples),
      }, samples);
    }
  }
  await mayGoOn();
  await sendData({ type: "scan_end", reason: tip.scanning ? "complete" : "stopped" });
}

function safeState(why) {
  if (work.running) {
    const id = BigInt(work.running);
    work.running = 0;
    sayEvent(id, "cancelled", why);
  }
  tip.scanning = false;
  tip.withdrawn = true;
  tip.why = why;
}

function renewLease() {
  clearTimeout(agent.timer);
  agent.timer = setTimeout(() => {
    safeState("the agent's lease ran out");
    sayStatus();
    agent.leased = false;
    agent.contact++;
    sayHello();
  }, agent.leaseMs);
}

function onWelcome(welcome) {
  if (welcome.contact !== agent.contact || agent.leased) return;
  if (!/^tipwright\.control\/1\./.test(welcome.protocol)) return;
  seen.welcomes++;
  agent.leased = true;
  agent.leaseMs = welcome.lease_ms;
  stream.acked = stream.seq;
  work.ackedEvents = work.events;
  if (!agent.everLeased) tip.scanning = true;
  agent.everLeased = true;
  renewLease();
  sayStatus();
}

// Why an action must not be executed, or "".
function checkAction(action) {
  const ranges = limits[action?.kind];
  if (!ranges) return "not allowed here";
  for (const name of Object.keys(action))
    if (name !== "kind" && !(name in ranges)) return `${name} is unknown`;
  for (const [name, [min, max]] of Object.entries(ranges))
    if (!(action[name] >= min && action[name] <= max)) return `${name} is outside`;
  return "";
}

function execute(id, action) {
  sayEvent(id, "accepted");
  work.running = Number(id);
  sayEvent(id, "started");
  sayStatus();
  setTimeout(() => {
    if (work.running !== Number(id)) return;
    clock.instNs += 1e9;
    work.running = 0;
    tip.actions++;
    if (action.kind === "retract") safeState("retracted");
    if (action.kind === "approach") Object.assign(tip, { withdrawn: false, why: "" });
    sayEvent(id, "done", `${action.kind} done`);
    sayStatus();
  }, 20);
}

function onChange(id, command) {
  const content = JSON.stringify([command.verb, command.session, command.epoch, command.action]);
  const known = work.answers.get(id);
  if (known) {
    seen.repeated++;
    if (known.content === content) sayEvent(id, known.state, known.text);
    else sayEvent(id, "rejected", "this id had another content");
    return;
  }
  if (id <= work.lastId) return sayEvent(id, "rejected", "an id below the last one");
  work.lastId = id;
  work.answers.set(id, { content, state: "rejected", text: "" });
  work.answers.delete(id - 256n);
  const ageNs = clock.hostNs() - command.base_host_ns;
  const refuse = (what, why) => (seen[what]++, sayEvent(id, what, why));
  if (command.epoch < work.epoch) return refuse("rejected", "an epoch before the fence");
  if (!agent.leased) return refuse("rejected", "no lease");
  if (ageNs < 0) return refuse("rejected", "a base in the future");
  if (ageNs > command.ttl_ms * 1e6) return refuse("expired", "too late");
  if (work.running) return refuse("rejected", "busy");
  const why = command.verb === "action" ? checkAction(command.action) : "";
  if (why) return refuse("rejected", why);
  work.epoch = command.epoch;
  if (command.verb === "action") return execute(id, command.action);
  tip.scanning = command.verb === "scan_start";
  if (tip.scanning) Object.assign(tip, { withdrawn: false, why: "" });
  sayEvent(id, "done");
  sayStatus();
}

async function resend(id, command) {
  let left = 0;
  for (let seq = command.from_seq; seq <= Math.min(command.to_seq, stream.seq); seq++) {
    const kept = stream.kept.get(seq);
    if (!kept) left++;
    else await push({ ...kept[0], flags: ["simulated", "late"] }, kept[1]);
  }
  sayEvent(id, left ? "failed" : "done", `${left} left`);
}

function onCommand(command) {
  const id = BigInt(command.id);
  seen.commands[command.verb] = (seen.commands[command.verb] ?? 0) + 1;
  if (command.session !== session) return sayEvent(id, "rejected", "another session");
  if (id < FIRST_FREE_ID) return onChange(id, command);
  switch (command.verb) {
    case "abort":
      if (work.running) {
        const running = BigInt(work.running);
        work.running = 0;
        sayEvent(running, "cancelled", "aborted");
      }
      return sayEvent(id, "done");
    case "safe_retract":
      safeState("safe retract was ordered");
      sayEvent(id, "done");
      return sayStatus();
    case "fence":
      if (command.epoch < work.epoch) return sayEvent(id, "rejected", "an older epoch");
      work.epoch = command.epoch;
      sayEvent(id, "done");
      return sayStatus();
    case "query": {
      const asked = BigInt(command.query_id);
      const answer = work.answers.get(asked);
      sayEvent(asked, answer?.state ?? "unknown", answer?.text ?? "");
      return sayEvent(id, "done");
    }
    case "resend":
      return resend(id, command);
    default:
      return sayEvent(id, "rejected", "unknown verb");
  }
}

function onControl(message) {
  switch (message.type) {
    case "welcome":
      return onWelcome(message);
    case "refused":
      console.error(`refused: ${message.text}`);
      return process.exit(1);
    case "who":
      if (agent.leased) agent.contact++;
      agent.leased = false;
      return sayHello();
    case "ping":
      if (!agent.leased || message.session !== session) return;
      seen.pings++;
      renewLease();
      return sayStatus();
    case "ack":
      seen.acks++;
      if (message.seq !== undefined) stream.acked = Math.max(stream.acked, message.seq);
      if (message.event !== undefined)
        work.ackedEvents = Math.max(work.ackedEvents, message.event);
      return;
    case "command":
      return onCommand(message);
  }
}

async function listen() {
  for await (const [tag, json] of control)
    if (tag.toString() === TAG) onControl(JSON.parse(json.toString()));
}

function report(ok) {
  console.log(JSON.stringify({
    ok, session, gated, data_messages: stream.seq, acked: stream.acked, frames: stream.scan,
    actions: tip.actions, events: work.events, epoch: work.epoch, ...seen,
  }));
}

// A gated instrument that does not scan sends notes, so that its time passes.
async function idle() {
  await sleep(10);
  await mayGoOn();
  clock.instNs += gated ? 10e9 : 10e6;
  if (gated && !tip.scanning) await sendData({ type: "note", text: "idle" });
}

async function main() {
  const frames = Number(options.frames);
  for (let sent = 0; sent < frames || (options["until-action"] && tip.actions === 0);) {
    if (tip.scanning) {
      await sendFrame();
      sent++;
    } else {
      await idle();
    }
  }
  await mayGoOn();
  report(true);
  await controlQueue;
  data.close();
  control.close();
  process.exit(0);
}

setTimeout(() => {
  report(false);
  process.exit(1);
}, Number(options.seconds) * 1000);
setInterval(() => (agent.leased ? sayStatus() : sayHello()), 500);
sayHello();
listen();
main();
