#!/usr/bin/env gjs
// SPDX-License-Identifier: LGPL-2.1-or-later
// libeffvk alone, without GStreamer: classifies one raw RGB frame.
//
//   gjs -m classify_raw.js [MODEL [FRAME.rgb WIDTH HEIGHT]]
//
// FRAME.rgb has WIDTH * HEIGHT * 3 bytes; without it a synthetic frame is classified.
import GLib from "gi://GLib";
import Effvk from "gi://Effvk?version=1.0";
import System from "system";

// A blue sky above green grass.
function makeFrame(width, height) {
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++)
    pixels.set(i < (width * height) / 2 ? [90, 160, 230] : [60, 150, 50], 3 * i);
  return pixels;
}

function classify(model, frame, width, height) {
  const device = Effvk.Device.new("auto");
  const network = Effvk.Model.new_from_file(model);
  const classifier = Effvk.Classifier.new(device, network, null);
  const image = Effvk.Image.new_from_bytes(Effvk.Format.RGB, width, height, new GLib.Bytes(frame));
  const result = classifier.classify(image);

  print(`${network.get_name()} on ${device.get_name()}`);
  for (let rank = 0; rank < result.get_n_classes(); rank++)
    print(`${(100 * result.get_score(rank)).toFixed(2).padStart(6)} %  ${result.get_label(rank)}`);
}

try {
  const [model = null, file, width = "320", height = "240"] = ARGV;
  const frame = file ? GLib.file_get_contents(file)[1] : makeFrame(Number(width), Number(height));
  classify(model, frame, Number(width), Number(height));
} catch (error) {
  printerr(`classify_raw.js: ${error.message}`);
  System.exit(1);
}
