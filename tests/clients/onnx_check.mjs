// onnx_check.mjs MODULES DIR...: runs every DIR/NAME.onnx in ONNX Runtime (installed under MODULES)
// on NAME.planes.f32 and compares each output with NAME.OUTPUT.f32. One line of JSON each; fails
// when a difference is larger than 1e-5.
import { createRequire } from "node:module";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [modules, ...folders] = process.argv.slice(2);
const ort = createRequire(join(resolve(modules), "x.js"))("onnxruntime-node");

function floats(path) {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

async function check(folder, name) {
  const session = await ort.InferenceSession.create(join(folder, `${name}.onnx`), {
    intraOpNumThreads: 1,
    graphOptimizationLevel: "all",
  });
  const planes = floats(join(folder, `${name}.planes.f32`));
  const shape = session.inputMetadata[0].shape.slice(1).map(Number);
  const samples = planes.length / shape.reduce((a, b) => a * b);
  const results = await session.run({ planes: new ort.Tensor("float32", planes, [samples, ...shape]) });
  let worst = 0;
  for (const output of session.outputNames) {
    const wanted = floats(join(folder, `${name}.${output}.f32`));
    const got = results[output].data;
    if (got.length !== wanted.length) throw new Error(`${name}.${output}: ${got.length} values`);
    for (let i = 0; i < got.length; i++) {
      const difference = Math.abs(got[i] - wanted[i]) / Math.max(1, Math.abs(wanted[i]));
      worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
    }
  }
  console.log(JSON.stringify({ name, samples, outputs: session.outputNames.length, worst }));
  return worst <= 1e-5;
}

let fine = true;
let files = 0;
for (const folder of folders) {
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".onnx")) continue;
    files++;
    fine = (await check(folder, file.slice(0, -5))) && fine;
  }
}
process.exit(fine && files > 0 ? 0 : 1);
