// The picture: fetched, drawn, and its contrast. Knows nothing of votes.
"use strict";

const byId = (id) => document.getElementById(id);
const KEPT = 6; // pictures in memory
const AUTO_SHARE = 0.01; // levels beyond this share of the pixels are drawn darkest, brightest
const CONTRAST_STEPS = 40; // keys from one end of the automatic contrast to the other

let shown = null; // {width, height, levels, histogram, auto} of the one shown, once it is there
let contrast = { low: 0, high: 1, changed: false };
const fetched = new Map(); // promises of pictures, by place

function histogramOf(levels) {
  const counts = new Uint32Array(65536);
  for (const level of levels) counts[level]++;
  return counts;
}

// Shares of the range below and above which AUTO_SHARE of the pixels lie.
function automatic(counts, n) {
  const limit = n * AUTO_SHARE;
  let low = 0,
    high = 65535;
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

// `kept` stays in memory whatever else is wanted.
function wantPicture(place, kept) {
  if (!fetched.has(place)) {
    const wanted = fetchPicture(place);
    wanted.catch(() => fetched.delete(place));
    fetched.set(place, wanted);
    for (const other of fetched.keys())
      if (fetched.size > KEPT && other !== place && other !== kept) fetched.delete(other);
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
  const roomX =
    stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 24;
  const roomY = stage.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const scale = Math.min(roomX / shown.width, roomY / shown.height);
  const frame = byId("frame");
  frame.style.width = `${Math.floor(shown.width * scale)}px`;
  frame.style.height = `${Math.max(Math.floor(shown.height * scale), 1)}px`;
}
