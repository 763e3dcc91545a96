// ONNX Runtime as a peer of `tipwright bench`: onnxruntime.mjs FOLDER judge NET BATCH.
// Says "ready", then answers each line "run N" with the median time in ms of N calls.
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

const [folder, , net, batch] = process.argv.slice(2);
const ort = createRequire(path.join(path.resolve(folder), 'here.js'))('onnxruntime-node');
const session = await ort.InferenceSession.create(path.join(folder, `${net}.onnx`), {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
});

const feeds = {};
for (const { name, shape } of session.inputMetadata) {
  const dims = shape.map((size) => (typeof size === 'number' && size > 0 ? size : Number(batch)));
  const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
  if (name === 'x') values.forEach((_, i) => (values[i] = Math.sin(0.37 * i)));
  feeds[name] = new ort.Tensor('float32', values, dims);
}

console.log('ready');
for await (const line of readline.createInterface({ input: process.stdin })) {
  const times = [];
  for (let left = Number(line.split(' ')[1]); left > 0; left--) {
    const start = performance.now();
    await session.run(feeds);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  console.log(times[Math.floor(times.length / 2)].toFixed(6));
}
