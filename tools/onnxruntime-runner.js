// SPDX-License-Identifier: LGPL-2.1-or-later
/* Runs a network in ONNX Runtime for 'effvk bench --compare', one inference a line of the standard input.
 *
 *   node onnxruntime-runner.js MODEL.onnx INPUT.f32 SHAPE THREADS
 *
 * INPUT.f32 holds native floats of SHAPE (1,3,224,224). Says "ready VERSION"; then for each line "run"
 * the milliseconds that it took, and for "logits" the output. Exit status 3: no ONNX Runtime here. */
'use strict';
const fs = require('fs');
let ort;
try {
  ort = require('onnxruntime-node');
} catch (error) {
  process.exit(3);
}
const [model, input, shape, threads] = process.argv.slice(2);

async function main() {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
    executionProviders: ['cpu'],
  });
  const bytes = new Uint8Array(fs.readFileSync(input));
  const x = new ort.Tensor('float32', new Float32Array(bytes.buffer), shape.split(',').map(Number));
  const feeds = { [session.inputNames[0]]: x };
  let version = '';
  try {
    version = require('onnxruntime-node/package.json').version;
  } catch (error) { /* not exported: the name is enough */ }
  console.log('ready ONNX Runtime ' + version);
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    const begin = process.hrtime.bigint();
    const output = (await session.run(feeds))[session.outputNames[0]];
    const ms = Number(process.hrtime.bigint() - begin) / 1e6;
    console.log(line === 'logits' ? Array.from(output.data).join(' ') : ms.toFixed(4));
  }
}

main().catch((error) => {
  console.error(String(error.message).split('\n')[0]);
  process.exit(1);
});
