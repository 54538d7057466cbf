/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What elements read of a buffer's metadata: every kind, the same of each, and nothing of what is
 * broken; and the JSON that is written of it. */
#include "common/classification-meta.h"
#include "common/classification-reader.h"
#include "common/record.h"
#include "fixtures.h"

#include <json-glib/json-glib.h>
#include <math.h>

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif

#define WIDTH 640
#define HEIGHT 480

static GPtrArray *
read_frame (GstBuffer *buffer)
{
  return gst_effvk_classifications_read (buffer, WIDTH, HEIGHT);
}

/* "frame: cat -1 0.90, dog -1 0.10; car 7 [0.25 0.50 0.10 0.10]: red 3 0.80" */
static char *
describe (const GPtrArray *all)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < all->len; i++)
    {
      const GstEffvkClassification *seen = g_ptr_array_index (all, i);

      g_string_append (text, i ? "; " : "");
      if (seen->whole)
        g_string_append (text, "frame:");
      else
        g_string_append_printf (text, "%s %d [%.2f %.2f %.2f %.2f]:", seen->type, (int) seen->id,
                                seen->x, seen->y, seen->width, seen->height);
      for (guint c = 0; c < seen->classes->len; c++)
        {
          const GstEffvkClass *class = &g_array_index (seen->classes, GstEffvkClass, c);

          g_string_append_printf (text, "%s %s %d %.2f", c ? "," : "", class->label, class->index,
                                  class->score);
        }
    }
  return g_string_free (text, FALSE);
}

static void
assert_reads (GstBuffer *buffer, const char *expected)
{
  g_autoptr (GPtrArray) all = read_frame (buffer);
  g_autofree char *text = describe (all);

  g_assert_cmpstr (text, ==, expected);
}

static GstStructure *
add_custom (GstBuffer *buffer)
{
  return gst_custom_meta_get_structure (
      gst_buffer_add_custom_meta (buffer, GST_EFFVK_CLASSIFICATION_META));
}

/* Puts what the text of a structure says into the custom meta. */
static void
add_custom_text (GstBuffer *buffer, const char *text)
{
  g_autoptr (GstStructure) from = gst_structure_from_string (text, NULL);
  GstStructure *to = add_custom (buffer);

  g_assert_nonnull (from);
  for (gint i = 0; i < gst_structure_n_fields (from); i++)
    {
      const char *name = gst_structure_nth_field_name (from, (guint) i);

      gst_structure_set_value (to, name, gst_structure_get_value (from, name));
    }
}

#define OBJECT                                                                                     \
  "\"object, x=(double)0.25, y=(double)0.5, width=(double)0.1, height=(double)0.1, "               \
  "type=(string)car, id=(gint64)7, labels=(string)< red >, indices=(int)< 3 >, "                   \
  "scores=(double)< 0.8 >, age=(guint64)0\""

static void
test_custom (void)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  g_autoptr (GPtrArray) all = NULL;
  const GstEffvkClassification *seen;

  add_custom_text (buffer, "m, model=(string)b0, labels=(string)< cat, dog >, indices=(int)< 4, 2 "
                           ">, scores=(double)< 0.9, 0.1 >, age=(guint64)40;");
  assert_reads (buffer, "frame: cat 4 0.90, dog 2 0.10");
  all = read_frame (buffer);
  seen = gst_effvk_classifications_get_frame (all);
  g_assert_nonnull (seen);
  g_assert_cmpstr (seen->model, ==, "b0");
  g_assert_cmpuint (seen->age, ==, 40);
}

/* A region of interest, as DL Streamer's detector, tracker and two classifiers leave it. */
static void
add_region (GstBuffer *buffer)
{
  GstVideoRegionOfInterestMeta *roi
      = gst_buffer_add_video_region_of_interest_meta (buffer, "car", 160, 240, 64, 48);
  static const char *const parameters[]
      = { "detection, label_id=(int)1, confidence=(double)0.7, label=(string)car;",
          "object_id, id=(int)7;",
          "classification, label=(string)red, label_id=(int)3, confidence=(double)0.8, "
          "model_name=(string)colours;",
          "classification, label=(string)pink, label_id=(int)5, confidence=(double)0.1, "
          "model_name=(string)colours;",
          "classification_layer_name:type, label=(string)van, label_id=(int)2, "
          "confidence=(double)0.6, model_name=(string)types;" };

  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    gst_video_region_of_interest_meta_add_param (roi,
                                                 gst_structure_from_string (parameters[i], NULL));
}

static void
test_regions (void)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  g_autoptr (GPtrArray) all = NULL;
  const GstEffvkClassification *seen;

  add_region (buffer);
  gst_buffer_add_video_region_of_interest_meta (buffer, "dog", 600, 400, 400, 400);
  gst_buffer_add_video_region_of_interest_meta (buffer, "outside", 640, 0, 10, 10);
  assert_reads (buffer, "car 7 [0.25 0.50 0.10 0.10]: red 3 0.80, pink 5 0.10; "
                        "car 7 [0.25 0.50 0.10 0.10]: van 2 0.60; "
                        "dog -1 [0.94 0.83 0.06 0.17]:");
  all = read_frame (buffer);
  seen = g_ptr_array_index (all, 0);
  g_assert_cmpstr (seen->model, ==, "colours");
  g_assert_cmpfloat (seen->confidence, ==, 0.7);
  g_assert_null (gst_effvk_classifications_get_frame (all));
}

#ifdef HAVE_GST_ANALYTICS
static GstAnalyticsClsMtd
add_cls (GstBuffer *buffer, const char *label, float level)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  GQuark quark = g_quark_from_string (label);
  GstAnalyticsClsMtd cls;

  if (!meta)
    meta = gst_buffer_add_analytics_relation_meta (buffer);
  g_assert_true (gst_analytics_relation_meta_add_cls_mtd (meta, 1, &level, &quark, &cls));
  return cls;
}

static void
test_analytics (void)
{
  static const struct
  {
    GstAnalyticsRelTypes type;
    gboolean to_object;
  } relations[] = { { GST_ANALYTICS_REL_TYPE_RELATE_TO, FALSE },
                    { GST_ANALYTICS_REL_TYPE_IS_PART_OF, TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (relations); i++)
    {
      g_autoptr (GstBuffer) buffer = gst_buffer_new ();
      GstAnalyticsClsMtd frame = add_cls (buffer, "street", 0.5f), cls;
      GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
      GstAnalyticsODMtd od, bare;

      (void) frame;
      g_assert_true (gst_analytics_relation_meta_add_od_mtd (meta, g_quark_from_string ("car"), 160,
                                                             240, 64, 48, 0.75f, &od));
      g_assert_true (gst_analytics_relation_meta_add_od_mtd (meta, g_quark_from_string ("dog"), 0,
                                                             0, 64, 48, 0.75f, &bare));
      cls = add_cls (buffer, "red", 0.25f);
      g_assert_true (
          gst_analytics_relation_meta_set_relation (meta, relations[i].type,
                                                    relations[i].to_object ? cls.id : od.id,
                                                    relations[i].to_object ? od.id : cls.id));
      assert_reads (buffer, "frame: street -1 0.50; car -1 [0.25 0.50 0.10 0.10]: red -1 0.25; "
                            "dog -1 [0.00 0.00 0.10 0.10]:");
    }
}
#endif

/* What several kinds of metadata say is read once, with what each of them knows. */
static void
test_merge (void)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  g_autoptr (GPtrArray) all = NULL;

  add_custom_text (buffer, "m, model=(string)b0, objects=(structure)< " OBJECT " >;");
  add_region (buffer);
#ifdef HAVE_GST_ANALYTICS
  fixture_add_object (buffer, FALSE, "car", 160, 240, 64, 48, 7);
#endif
  assert_reads (buffer, "car 7 [0.25 0.50 0.10 0.10]: red 3 0.80; "
                        "car 7 [0.25 0.50 0.10 0.10]: van 2 0.60");
  all = read_frame (buffer);
  g_assert_cmpfloat (((GstEffvkClassification *) g_ptr_array_index (all, 0))->confidence, ==, 0.7);
}

/* Two elements in a row, each with an answer about the frame. */
static void
test_two_models (void)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();

  add_custom_text (buffer, "m, model=(string)b0, labels=(string)< cat >, indices=(int)< 4 >, "
                           "scores=(double)< 0.9 >, age=(guint64)0;");
  add_custom_text (buffer, "m, model=(string)b1, labels=(string)< day >, indices=(int)< 1 >, "
                           "scores=(double)< 0.8 >, age=(guint64)0;");
  assert_reads (buffer, "frame: cat 4 0.90; frame: day 1 0.80");
}

/* Each of these is read as if what is wrong in it were not there; none is a warning, which is
 * fatal. */
static void
test_broken (void)
{
  static const struct
  {
    const char *text, *expected;
  } broken[] = {
    { "m;", "" },
    { "m, labels=(int)3;", "frame:" },
    { "m, labels=(string)< cat >;", "frame:" },
    { "m, labels=(string)< cat, dog >, scores=(double)< 0.5 >;", "frame: cat -1 0.50" },
    { "m, labels=(string)< cat >, scores=(double)< nan >, indices=(int)< 1 >;", "frame:" },
    { "m, labels=(int)< 1 >, scores=(double)< 0.5 >;", "frame:" },
    { "m, labels=(string)< cat >, scores=(double)< 0.5 >, indices=(string)< x >;",
      "frame: cat -1 0.50" },
    { "m, labels=(string)< cat >, scores=(double)< 0.5 >, heatmap=(string)x, "
      "heatmap-width=(uint)3, "
      "heatmap-height=(uint)3;",
      "frame: cat -1 0.50" },
    { "m, objects=(string)< a, b >;", "" },
    { "m, objects=(structure)< \"o, x=(double)0.1\" >;", "" },
    { "m, objects=(structure)< \"o, x=(double)nan, y=(double)0, width=(double)1, "
      "height=(double)1\" >;",
      "" },
    { "m, objects=(structure)< \"o, x=(double)-5, y=(double)0, width=(double)5, "
      "height=(double)1\" >;",
      "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autoptr (GstBuffer) buffer = gst_buffer_new ();

      add_custom_text (buffer, broken[i].text);
      assert_reads (buffer, broken[i].expected);
      g_ptr_array_unref (gst_effvk_classifications_read (buffer, 0, 0));
    }
}

/* What the element attaches, in every mode, is read as one answer about the frame. */
static void
test_element (void)
{
  static const char *const modes[] = { "auto", "custom", "roi" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *properties = g_strdup_printf ("top-k=3 meta-mode=%s", modes[i]);
      GstHarness *harness = fixture_harness (properties);
      g_autoptr (GPtrArray) all = NULL;
      const GstEffvkClassification *seen;
      GstVideoInfo info;
      GstBuffer *out;

      fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
      out = fixture_push (harness, fixture_frame (&info, 1));
      all = gst_effvk_classifications_read (out, 64, 48);
      g_assert_cmpuint (all->len, ==, 1);
      seen = g_ptr_array_index (all, 0);
      g_assert_true (seen->whole);
      g_assert_cmpuint (seen->classes->len, ==, 3);
      g_assert_cmpint (gst_effvk_classification_get_label (seen)->index, >=, 0);
      g_assert_nonnull (seen->model);
      gst_buffer_unref (out);
      gst_harness_teardown (harness);
    }
}

/* Where the best class was seen, of the frame and of a region; nothing where nobody asked. */
static void
test_heatmap (void)
{
  static const char *const properties[]
      = { "", "attach-heatmap=true", "attach-heatmap=true regions=\"a=0,0,0.5,1\"" };

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      GstHarness *harness = fixture_harness (properties[i]);
      g_autoptr (GPtrArray) all = NULL;
      GstVideoInfo info;
      GstBuffer *out;

      fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
      out = fixture_push (harness, fixture_frame (&info, 1));
      all = gst_effvk_classifications_read (out, 64, 48);
      g_assert_cmpuint (all->len, ==, i < 2 ? 1 : 2);
      for (guint n = 0; n < all->len; n++)
        {
          const GstEffvkClassification *seen = g_ptr_array_index (all, n);

          g_assert_true ((seen->heatmap != NULL) == (i > 0));
          if (!seen->heatmap)
            continue;
          g_assert_cmpuint (seen->heatmap_width, >, 0);
          g_assert_cmpuint (g_bytes_get_size (seen->heatmap), ==,
                            seen->heatmap_width * seen->heatmap_height * sizeof (float));
          g_assert_cmpfloat_with_epsilon (seen->heatmap_area[0] + seen->heatmap_area[2] / 2, 0.5,
                                          0.05);
        }
      gst_buffer_unref (out);
      gst_harness_teardown (harness);
    }
}

/* A record is JSON whatever the labels are, and has what was read. */
static void
test_record (void)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  g_autoptr (GstEffvkClassification) seen = gst_effvk_classification_new ();
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GstEffvkJson) json = { 0 };
  JsonObject *object, *car;
  const char *label = "a\"b\\\n\001\177 \360\237\220\261\xff";

  add_region (buffer);
  all = read_frame (buffer);
  gst_effvk_classification_add (seen, label, -1, 0.25);
  gst_effvk_classification_add (seen, "nan", 1, NAN);
  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_record_add_pts (&json, -1);
  gst_effvk_record_add_clock (&json, 1700000000123456);
  gst_effvk_record_add_classes (&json, seen);
  gst_effvk_record_add_objects (&json, all);
  gst_effvk_json_end (&json, '}');
  json_parser_load_from_data (parser, json.text->str, (gssize) json.text->len, &error);
  g_assert_no_error (error);
  object = json_node_get_object (json_parser_get_root (parser));
  g_assert_true (json_object_get_null_member (object, "pts"));
  g_assert_cmpstr (json_object_get_string_member (object, "clock"), ==,
                   "2023-11-14T22:13:20.123456Z");
  g_assert_true (json_object_get_null_member (object, "index"));
  g_assert_cmpstr (json_object_get_string_member (object, "label"), ==,
                   "a\"b\\\n\001\177 \360\237\220\261\357\277\275");
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "classes")), ==,
                    1);
  car = json_array_get_object_element (json_object_get_array_member (object, "objects"), 0);
  g_assert_cmpint (json_object_get_int_member (car, "id"), ==, 7);
  g_assert_cmpstr (json_object_get_string_member (car, "type"), ==, "car");
  g_assert_cmpfloat (json_object_get_double_member (car, "score"), ==, 0.8);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  gst_effvk_classification_meta_register ();
  g_test_add_func ("/reader/custom", test_custom);
  g_test_add_func ("/reader/regions", test_regions);
#ifdef HAVE_GST_ANALYTICS
  g_test_add_func ("/reader/analytics", test_analytics);
#endif
  g_test_add_func ("/reader/merge", test_merge);
  g_test_add_func ("/reader/two-models", test_two_models);
  g_test_add_func ("/reader/broken", test_broken);
  g_test_add_func ("/reader/element", test_element);
  g_test_add_func ("/reader/heatmap", test_heatmap);
  g_test_add_func ("/reader/record", test_record);
  return fixtures_run ();
}
