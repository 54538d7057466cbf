/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlay/scene.h"

#include <math.h>

#define NUMBERS_INTERVAL (200 * GST_MSECOND)
#define FPS_INTERVAL G_USEC_PER_SEC
#define MOST_PIXELS 128 /* drawn things that are kept */

void
gst_effvk_scene_init (GstEffvkScene *scene)
{
  *scene = (GstEffvkScene){ .painter = gst_effvk_painter_new (), .drawn = GST_CLOCK_TIME_NONE };
  scene->pixels
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) gst_buffer_unref);
}

static void
forget_composition (GstEffvkScene *scene)
{
  g_clear_pointer (&scene->composition, gst_video_overlay_composition_unref);
  g_clear_pointer (&scene->key, g_free);
}

void
gst_effvk_scene_reset (GstEffvkScene *scene)
{
  forget_composition (scene);
  g_clear_pointer (&scene->panel_key, g_free);
  g_clear_pointer (&scene->strip_key, g_free);
  scene->history = (GstEffvkHistory){ 0 };
  scene->drawn = GST_CLOCK_TIME_NONE;
  scene->n_frames = 0;
  scene->fps = 0;
}

void
gst_effvk_scene_clear (GstEffvkScene *scene)
{
  gst_effvk_scene_reset (scene);
  g_clear_pointer (&scene->pixels, g_hash_table_unref);
  g_clear_pointer (&scene->painter, gst_effvk_painter_free);
}

static void
count_frame (GstEffvkScene *scene)
{
  gint64 now = g_get_monotonic_time ();

  if (scene->n_frames++ == 0)
    scene->counted = now;
  else if (now - scene->counted >= FPS_INTERVAL)
    {
      scene->fps
          = (double) (scene->n_frames - 1) * G_USEC_PER_SEC / (double) (now - scene->counted);
      scene->n_frames = 1;
      scene->counted = now;
    }
}

/* Keeps pixels under the text that says what they show. */
static GstBuffer *
keep (GstEffvkScene *scene, const char *key, GstBuffer *pixels)
{
  if (g_hash_table_size (scene->pixels) >= MOST_PIXELS)
    g_hash_table_remove_all (scene->pixels);
  g_hash_table_insert (scene->pixels, g_strdup (key), pixels);
  return pixels;
}

/* A thing that is placed, and the text that names it: the composition's key is made of these. */
typedef struct
{
  GstBuffer *pixels;
  gint x, y;
  guint width, height;
} Item;

typedef struct
{
  GstEffvkScene *scene;
  const GstEffvkStyle *style;
  guint width, height; /* of the picture */
  GArray *items;
  GString *key;
} Drawing;

static void
add_item (Drawing *drawing, GstBuffer *pixels, const char *key, gint x, gint y)
{
  GstVideoMeta *meta = gst_buffer_get_video_meta (pixels);
  Item item = { gst_buffer_ref (pixels), x, y, meta->width, meta->height };

  g_array_append_val (drawing->items, item);
  g_string_append_printf (drawing->key, "%d %d %s\n", x, y, key);
}

/* The same, stretched over a part of the picture. */
static void
add_stretched (Drawing *drawing, GstBuffer *pixels, const char *key, const double *place)
{
  Item item = { gst_buffer_ref (pixels), (gint) round (place[0] * drawing->width),
                (gint) round (place[1] * drawing->height),
                (guint) MAX (1, round (place[2] * drawing->width)),
                (guint) MAX (1, round (place[3] * drawing->height)) };

  g_array_append_val (drawing->items, item);
  g_string_append_printf (drawing->key, "%d %d %u %u %s\n", item.x, item.y, item.width, item.height,
                          key);
}

static void
clear_item (gpointer data)
{
  gst_buffer_unref (((Item *) data)->pixels);
}

static void add_row (GArray *rows, gboolean strong, guint32 swatch, double share,
                     const char *number, const char *format, ...) G_GNUC_PRINTF (6, 7);

static void
add_row (GArray *rows, gboolean strong, guint32 swatch, double share, const char *number,
         const char *format, ...)
{
  GstEffvkRow row
      = { .strong = strong, .swatch = swatch, .share = share, .number = g_strdup (number) };
  va_list arguments;

  va_start (arguments, format);
  row.text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_array_append_val (rows, row);
}

/* "91 %"; a score that is no probability as it is. */
static char *
format_score (double score)
{
  return score >= 0 && score <= 1 ? g_strdup_printf ("%.0f %%", score * 100)
                                  : g_strdup_printf ("%.1f", score);
}

static void
add_classes (GArray *rows, const GstEffvkStyle *style, const GstEffvkClassification *seen)
{
  guint n = style->show & GST_EFFVK_SHOW_BARS ? MIN (style->max_classes, seen->classes->len) : 0;
  const GstEffvkClass *label = gst_effvk_classification_get_label (seen);

  if (style->show & GST_EFFVK_SHOW_LABEL && label->score >= style->threshold)
    {
      g_autofree char *number = n ? NULL : format_score (label->score);

      add_row (rows, TRUE, gst_effvk_style_get_label_color (label->label), NAN, number, "%s",
               label->label);
    }
  for (guint i = 0; i < n; i++)
    {
      const GstEffvkClass *class = &g_array_index (seen->classes, GstEffvkClass, i);
      g_autofree char *number = format_score (class->score);

      if (class->score >= style->threshold)
        add_row (rows, FALSE, 0, class->score, number, "%s", class->label);
    }
}

static GArray *
make_rows (GstEffvkScene *scene, const GstEffvkStyle *style, const GPtrArray *seen)
{
  GArray *rows = gst_effvk_rows_new ();

  for (guint i = 0; i < seen->len; i++)
    {
      const GstEffvkClassification *one = g_ptr_array_index (seen, i);

      if (!one->whole || one->classes->len == 0)
        continue;
      add_classes (rows, style, one);
      if (style->show & GST_EFFVK_SHOW_AGE && one->age != GST_EFFVK_AGE_UNKNOWN && one->age > 0)
        add_row (rows, FALSE, 0, NAN, NULL, "%.1f s ago", (double) one->age / GST_SECOND);
      if (style->show & GST_EFFVK_SHOW_MODEL && one->model)
        add_row (rows, FALSE, 0, NAN, NULL, "%s", one->model);
    }
  if (style->show & GST_EFFVK_SHOW_FPS && scene->fps > 0)
    add_row (rows, FALSE, 0, NAN, NULL, "%.1f frames/s", scene->fps);
  return rows;
}

/* The labels: when one of them changes, the panel is drawn at once. */
static char *
describe_labels (const GArray *rows)
{
  GString *key = g_string_new ("panel");

  for (guint i = 0; i < rows->len; i++)
    if (g_array_index (rows, GstEffvkRow, i).strong)
      g_string_append_printf (key, "\n%s", g_array_index (rows, GstEffvkRow, i).text);
  g_string_append (key, "\n\n");
  return g_string_free (key, FALSE);
}

/* All that a panel shows, after its labels. */
static char *
describe_rows (const char *labels, const GArray *rows)
{
  GString *key = g_string_new (labels);

  for (guint i = 0; i < rows->len; i++)
    {
      const GstEffvkRow *row = &g_array_index (rows, GstEffvkRow, i);

      g_string_append_printf (key, "%s\t%s\n", row->text, row->number ? row->number : "");
    }
  return g_string_free (key, FALSE);
}

static void
place_panel (Drawing *drawing, GstBuffer *pixels, const char *key)
{
  static const struct
  {
    double x, y;
  } places[]
      = { [GST_EFFVK_PLACE_TOP_LEFT] = { 0, 0 },  [GST_EFFVK_PLACE_TOP] = { 0.5, 0 },
          [GST_EFFVK_PLACE_TOP_RIGHT] = { 1, 0 }, [GST_EFFVK_PLACE_BOTTOM_LEFT] = { 0, 1 },
          [GST_EFFVK_PLACE_BOTTOM] = { 0.5, 1 },  [GST_EFFVK_PLACE_BOTTOM_RIGHT] = { 1, 1 } };
  const GstEffvkPlace place = drawing->style->place;
  GstVideoMeta *meta = gst_buffer_get_video_meta (pixels);
  double margin = drawing->style->font_size * MIN (drawing->width, drawing->height) / 2;
  double free_x = MAX (0, (double) drawing->width - meta->width),
         free_y = MAX (0, (double) drawing->height - meta->height);
  double x = places[place].x * free_x, y = places[place].y * free_y;

  x = CLAMP (x, MIN (margin, free_x), MAX (free_x - margin, 0));
  /* above the strip */
  y = CLAMP (y, MIN (margin, free_y), MAX (free_y - margin * 2, 0));
  add_item (drawing, pixels, key, (gint) x, (gint) y);
}

/* Whether the panel that was drawn before is still good enough. */
static gboolean
may_wait (GstEffvkScene *scene, const char *labels, GstClockTime time)
{
  return scene->panel_key && g_str_has_prefix (scene->panel_key, labels)
         && GST_CLOCK_TIME_IS_VALID (scene->drawn) && GST_CLOCK_TIME_IS_VALID (time)
         && time >= scene->drawn && time - scene->drawn < NUMBERS_INTERVAL
         && g_hash_table_contains (scene->pixels, scene->panel_key);
}

static void
add_panel (Drawing *drawing, const GPtrArray *seen, GstClockTime time)
{
  GstEffvkScene *scene = drawing->scene;
  g_autoptr (GArray) rows = make_rows (scene, drawing->style, seen);
  g_autofree char *labels = describe_labels (rows);
  GstBuffer *pixels;

  if (rows->len == 0)
    return;
  if (!may_wait (scene, labels, time))
    {
      g_free (scene->panel_key);
      scene->panel_key = describe_rows (labels, rows);
      scene->drawn = time;
      if (!g_hash_table_contains (scene->pixels, scene->panel_key))
        keep (scene, scene->panel_key, gst_effvk_painter_draw_panel (scene->painter, rows));
    }
  pixels = g_hash_table_lookup (scene->pixels, scene->panel_key);
  place_panel (drawing, pixels, scene->panel_key);
}

/* A rectangle of one colour; the same sizes come again and again. */
static void
add_fill (Drawing *drawing, guint32 color, gint x, gint y, gint width, gint height)
{
  g_autofree char *key = g_strdup_printf ("fill %08x %d %d", color, width, height);
  GstBuffer *pixels = g_hash_table_lookup (drawing->scene->pixels, key);

  if (width <= 0 || height <= 0)
    return;
  if (!pixels)
    pixels = keep (drawing->scene, key,
                   gst_effvk_painter_fill (drawing->scene->painter, color, (guint) width,
                                           (guint) height));
  add_item (drawing, pixels, key, x, y);
}

static void
add_box (Drawing *drawing, guint32 color, gint x, gint y, gint width, gint height)
{
  gint line = (gint) gst_effvk_painter_get_line_width (drawing->scene->painter);

  line = MIN (line, MIN (width, height));
  add_fill (drawing, color, x, y, width, line);
  add_fill (drawing, color, x, y + height - line, width, line);
  add_fill (drawing, color, x, y + line, line, height - 2 * line);
  add_fill (drawing, color, x + width - line, y + line, line, height - 2 * line);
}

/* "car 7: red 91 %" */
static char *
name_object (const GstEffvkStyle *style, const GstEffvkClassification *seen)
{
  const GstEffvkClass *label = gst_effvk_classification_get_label (seen);
  GString *name = g_string_new (seen->type);

  if (seen->id >= 0)
    g_string_append_printf (name, "%s%" G_GINT64_FORMAT, name->len ? " " : "", seen->id);
  if (label && label->score >= style->threshold)
    {
      g_autofree char *score = format_score (label->score);

      g_string_append_printf (name, "%s%s %s", name->len ? ": " : "", label->label, score);
    }
  return g_string_free (name, FALSE);
}

/* @above: how many tags the object has already. */
static void
add_tag (Drawing *drawing, const char *text, guint32 color, gint x, gint y, guint above)
{
  g_autofree char *key = g_strdup_printf ("tag %08x %s", color, text);
  GstBuffer *pixels = g_hash_table_lookup (drawing->scene->pixels, key);
  GstVideoMeta *meta;
  gint top;

  if (!pixels)
    pixels = keep (drawing->scene, key,
                   gst_effvk_painter_draw_tag (drawing->scene->painter, text, color));
  meta = gst_buffer_get_video_meta (pixels);
  top = y - (gint) (meta->height * (above + 1));
  if (top < 0) /* inside of the box where there is no room above it */
    top = y + (gint) (meta->height * above);
  add_item (drawing, pixels, key, CLAMP (x, 0, (gint) (drawing->width - meta->width)),
            CLAMP (top, 0, (gint) (drawing->height - meta->height)));
}

static gboolean
is_same_place (const GstEffvkClassification *a, const GstEffvkClassification *b)
{
  return !a->whole && !b->whole && a->x == b->x && a->y == b->y && a->width == b->width
         && a->height == b->height;
}

static void
add_objects (Drawing *drawing, const GPtrArray *seen)
{
  guint above = 0;

  for (guint i = 0; i < seen->len; i++)
    {
      const GstEffvkClassification *one = g_ptr_array_index (seen, i);
      const GstEffvkClass *label = gst_effvk_classification_get_label (one);
      g_autofree char *name = NULL;
      guint32 color = drawing->style->boxes;
      gint x = (gint) round (one->x * drawing->width), y = (gint) round (one->y * drawing->height);

      if (one->whole)
        continue;
      name = name_object (drawing->style, one);
      if (!color)
        color = gst_effvk_style_get_label_color (label ? label->label : one->type);
      above = i > 0 && is_same_place (one, g_ptr_array_index (seen, i - 1)) ? above + 1 : 0;
      if (above == 0)
        add_box (drawing, color, x, y, MAX (1, (gint) round (one->width * drawing->width)),
                 MAX (1, (gint) round (one->height * drawing->height)));
      if (*name)
        add_tag (drawing, name, color, x, y, above);
    }
}

static void
add_heatmap (Drawing *drawing, const GstEffvkClassification *seen)
{
  g_autofree char *key = NULL;
  const double *area = seen->heatmap_area;
  const double place[4] = { seen->x + area[0] * seen->width, seen->y + area[1] * seen->height,
                            area[2] * seen->width, area[3] * seen->height };
  GstBuffer *pixels;

  if (!seen->heatmap)
    return;
  key = g_strdup_printf ("heat %08x", g_bytes_hash (seen->heatmap));
  pixels = g_hash_table_lookup (drawing->scene->pixels, key);
  if (!pixels)
    {
      pixels = gst_effvk_painter_draw_heatmap (drawing->scene->painter,
                                               g_bytes_get_data (seen->heatmap, NULL),
                                               seen->heatmap_width, seen->heatmap_height);
      if (!pixels)
        return;
      keep (drawing->scene, key, pixels);
    }
  add_stretched (drawing, pixels, key, place);
}

static void
add_strip (Drawing *drawing, const GPtrArray *seen, GstClockTime time)
{
  GstEffvkScene *scene = drawing->scene;
  const GstEffvkClassification *frame = NULL;
  const GstEffvkClass *label;
  GstBuffer *pixels;
  gboolean changed;

  for (guint i = 0; i < seen->len && !frame; i++)
    if (((GstEffvkClassification *) g_ptr_array_index (seen, i))->whole)
      frame = g_ptr_array_index (seen, i);
  label = frame ? gst_effvk_classification_get_label (frame) : NULL;
  changed = gst_effvk_history_add (&scene->history, drawing->style->strip_duration, time,
                                   label ? gst_effvk_style_get_label_color (label->label) : 0);
  if (changed || !scene->strip_key || !g_hash_table_contains (scene->pixels, scene->strip_key))
    {
      if (scene->strip_key)
        g_hash_table_remove (scene->pixels, scene->strip_key);
      g_free (scene->strip_key);
      scene->strip_key
          = g_strdup_printf ("strip %" G_GUINT64_FORMAT " %08x", scene->history.cell,
                             label ? gst_effvk_style_get_label_color (label->label) : 0);
      keep (scene, scene->strip_key,
            gst_effvk_painter_draw_strip (scene->painter, scene->history.colors,
                                          GST_EFFVK_HISTORY_CELLS));
    }
  pixels = g_hash_table_lookup (scene->pixels, scene->strip_key);
  add_item (drawing, pixels, scene->strip_key, 0,
            (gint) (drawing->height - gst_buffer_get_video_meta (pixels)->height));
}

static void
compose (Drawing *drawing)
{
  GstEffvkScene *scene = drawing->scene;
  GstVideoOverlayComposition *composition = NULL;

  forget_composition (scene);
  for (guint i = 0; i < drawing->items->len; i++)
    {
      const Item *item = &g_array_index (drawing->items, Item, i);
      GstVideoOverlayRectangle *rectangle
          = gst_video_overlay_rectangle_new_raw (item->pixels, item->x, item->y, item->width,
                                                 item->height,
                                                 GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);

      if (composition)
        gst_video_overlay_composition_add_rectangle (composition, rectangle);
      else
        composition = gst_video_overlay_composition_new (rectangle);
      gst_video_overlay_rectangle_unref (rectangle);
    }
  scene->composition = composition;
  scene->key = g_strdup (drawing->key->str);
}

GstVideoOverlayComposition *
gst_effvk_scene_draw (GstEffvkScene *scene, const GstEffvkStyle *style, const GPtrArray *seen,
                      guint width, guint height, GstClockTime time)
{
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (Item));
  g_autoptr (GString) key = g_string_new (NULL);
  Drawing drawing = { scene, style, width, height, items, key };

  g_array_set_clear_func (items, clear_item);
  count_frame (scene);
  if (gst_effvk_painter_set_style (scene->painter, style, width, height))
    {
      g_hash_table_remove_all (scene->pixels);
      forget_composition (scene);
    }
  if (style->show & GST_EFFVK_SHOW_HEATMAP)
    for (guint i = 0; i < seen->len; i++)
      add_heatmap (&drawing, g_ptr_array_index (seen, i));
  if (style->show & GST_EFFVK_SHOW_OBJECTS)
    add_objects (&drawing, seen);
  if (style->show & GST_EFFVK_SHOW_STRIP)
    add_strip (&drawing, seen, time);
  add_panel (&drawing, seen, time);
  if (g_strcmp0 (scene->key, key->str) != 0)
    compose (&drawing);
  return scene->composition ? gst_video_overlay_composition_ref (scene->composition) : NULL;
}
