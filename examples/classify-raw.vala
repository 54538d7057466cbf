// SPDX-License-Identifier: LGPL-2.1-or-later
// libeffvk alone, without GStreamer: classifies one raw RGB frame.
//
//   valac --pkg effvk-1.0 classify-raw.vala
//   ./classify-raw [MODEL [FRAME.rgb WIDTH HEIGHT]]
//
// FRAME.rgb has WIDTH * HEIGHT * 3 bytes; without it a synthetic frame is classified.

// A blue sky above green grass.
uint8[] make_frame (uint width, uint height) {
  var pixels = new uint8[width * height * 3];
  for (uint i = 0; i < width * height; i++) {
    var sky = i < width * height / 2;
    pixels[3 * i] = sky ? 90 : 60;
    pixels[3 * i + 1] = sky ? 160 : 150;
    pixels[3 * i + 2] = sky ? 230 : 50;
  }
  return pixels;
}

void classify (string? model_path, uint8[] frame, uint width, uint height) throws Error {
  var device = new Effvk.Device ("auto");
  var model = new Effvk.Model.from_file (model_path);
  var classifier = new Effvk.Classifier (device, model, null);
  var image = new Effvk.Image.from_bytes (Effvk.Format.RGB, width, height, new Bytes (frame));
  var result = classifier.classify (image);

  print ("%s on %s\n", model.get_name (), device.get_name ());
  for (uint rank = 0; rank < result.get_n_classes (); rank++)
    print ("%6.2f %%  %s\n", 100.0 * result.get_score (rank), result.get_label (rank));
}

int main (string[] args) {
  uint width = 320, height = 240;

  try {
    uint8[] frame;
    if (args.length == 5) {
      width = uint.parse (args[3]);
      height = uint.parse (args[4]);
      FileUtils.get_data (args[2], out frame);
    } else {
      frame = make_frame (width, height);
    }
    classify (args.length > 1 ? args[1] : null, frame, width, height);
  } catch (Error error) {
    printerr ("classify-raw: %s\n", error.message);
    return 1;
  }
  return 0;
}
