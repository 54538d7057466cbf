/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/instance-registry.h"

#include "classify/effvkclassify-private.h"

#define GST_CAT_DEFAULT gst_effvk_classify_debug

/* An element that shares a network, or will. */
typedef struct
{
  GstEffvkClassify *element;  /* which withdraws before it goes */
  GstEffvkModelConfig wishes; /* its settings */
  gboolean active;            /* it has the group's network, and gets every later one */
} Member;

/* Those with the same id. */
typedef struct
{
  char *id;
  GstEffvkModelInstance *network; /* of its active members, who hold the references; or NULL */
  gboolean loading;               /* a member makes one */
  GPtrArray *members;             /* Member */
} Group;

/* A network that was replaced, and who has another now. */
typedef struct
{
  GstEffvkClassify *element;
  GstEffvkModelInstance *old;
} Replaced;

static GMutex lock; /* what follows; outside of objects' locks and the networks' */
static GCond changed;
static GHashTable *groups; /* id to Group */

static void
member_free (gpointer data)
{
  Member *member = data;

  gst_effvk_model_config_clear (&member->wishes);
  g_free (member);
}

static void
group_free (gpointer data)
{
  Group *group = data;

  g_ptr_array_unref (group->members);
  g_free (group->id);
  g_free (group);
}

static void
clear_replaced (gpointer data)
{
  Replaced *replaced = data;

  g_clear_pointer (&replaced->old, gst_effvk_model_instance_unref);
  gst_object_unref (replaced->element);
}

static GArray *
new_replaced (void)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (Replaced));

  g_array_set_clear_func (list, clear_replaced);
  return list;
}

/* Under lock. */
static Group *
get_group (const char *id)
{
  Group *group;

  if (!groups)
    groups = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, group_free);
  group = g_hash_table_lookup (groups, id);
  if (!group)
    {
      group = g_new0 (Group, 1);
      group->id = g_strdup (id);
      group->members = g_ptr_array_new_with_free_func (member_free);
      g_hash_table_insert (groups, group->id, group);
    }
  return group;
}

/* Under lock. */
static Member *
find_member (Group *group, GstEffvkClassify *self)
{
  for (guint i = 0; i < group->members->len; i++)
    {
      Member *member = g_ptr_array_index (group->members, i);

      if (member->element == self)
        return member;
    }
  return NULL;
}

/* Under lock. The network of a group goes with the last that has it. */
static void
forget_network (Group *group)
{
  for (guint i = 0; i < group->members->len; i++)
    if (((Member *) g_ptr_array_index (group->members, i))->active)
      return;
  group->network = NULL;
}

/* Under lock. From every group but @but (NULL: from all); with @active also from one whose
 * network it has. */
static void
remove_member (GstEffvkClassify *self, const Group *but, gboolean active)
{
  GHashTableIter iter;
  gpointer value;

  if (!groups)
    return;
  g_hash_table_iter_init (&iter, groups);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Group *group = value;
      Member *member = group == but ? NULL : find_member (group, self);

      if (!member || (member->active && !active))
        continue;
      g_ptr_array_remove (group->members, member);
      forget_network (group);
      if (group->members->len == 0)
        g_hash_table_iter_remove (&iter);
    }
  if (g_hash_table_size (groups) == 0)
    g_clear_pointer (&groups, g_hash_table_unref);
}

/* Under lock. */
static Member *
set_wishes (Group *group, GstEffvkClassify *self, const GstEffvkModelConfig *config)
{
  Member *member = find_member (group, self);

  if (!member)
    {
      member = g_new0 (Member, 1);
      member->element = self;
      g_ptr_array_add (group->members, member);
    }
  gst_effvk_model_config_clear (&member->wishes);
  gst_effvk_model_config_copy (config, &member->wishes);
  return member;
}

void
gst_effvk_registry_withdraw (GstEffvkClassify *self)
{
  g_mutex_lock (&lock);
  remove_member (self, NULL, TRUE);
  g_mutex_unlock (&lock);
}

static EffvkDevice *
get_device (GstEffvkModelInstance *network)
{
  return effvk_classifier_get_device (gst_effvk_model_instance_get_classifier (network));
}

gboolean
gst_effvk_registry_suffices (GstEffvkModelInstance *network, const GstEffvkModelConfig *wanted)
{
  const GstEffvkModelConfig *has = gst_effvk_model_instance_get_config (network);
  gboolean shared = gst_effvk_model_config_is_shared (wanted);
  g_auto (GstEffvkModelConfig) all = { 0 };
  guint batch;

  if (shared != gst_effvk_model_config_is_shared (has)
      || (shared && g_strcmp0 (has->instance_id, wanted->instance_id) != 0)
      || !gst_effvk_model_config_satisfies (has, wanted, shared))
    return FALSE;
  if (!shared)
    return gst_effvk_model_instance_get_batch_size (network)
           == gst_effvk_model_instance_choose_batch_size (wanted, get_device (network));
  gst_effvk_model_config_copy (wanted, &all);
  gst_effvk_model_config_merge (&all, has);
  all.n_streams = MAX (has->n_streams, wanted->n_streams);
  batch = gst_effvk_model_instance_choose_batch_size (&all, get_device (network));
  return gst_effvk_model_instance_get_batch_size (network) >= batch;
}

/* Under lock. */
static gboolean
check_contradiction (const Member *member, const Member *other, GError **error)
{
  const GstEffvkModelConfig *ours = &member->wishes, *theirs = &other->wishes;
  GParamSpec *spec = gst_effvk_model_config_find_contradiction (ours, theirs);
  g_autofree char *our_path = gst_object_get_path_string (GST_OBJECT (member->element));
  g_autofree char *their_path = gst_object_get_path_string (GST_OBJECT (other->element));

  if (spec)
    {
      g_autofree char *our_value = gst_effvk_model_config_print (ours, spec);
      g_autofree char *their_value = gst_effvk_model_config_print (theirs, spec);

      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                   "Two elements that share the network \"%s\" (model-instance-id) contradict each "
                   "other: %s sets %s=%s, %s sets %s=%s. Set it on one of them only, or to the "
                   "same value",
                   ours->instance_id, our_path, spec->name, our_value, their_path, spec->name,
                   their_value);
      return FALSE;
    }
  if (ours->frames_device && theirs->frames_device && ours->frames_device != theirs->frames_device)
    {
      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                   "Two elements that share the network \"%s\" (model-instance-id) get frames of "
                   "different Vulkan devices (memory:VulkanImage): %s and %s. A network reads "
                   "images of its own device only: give each device another model-instance-id",
                   ours->instance_id, our_path, their_path);
      return FALSE;
    }
  return TRUE;
}

/* Under lock. What a network for all members is made of; FALSE: @member contradicts another. */
static gboolean
merge (const Group *group, const Member *member, GstEffvkModelConfig *merged, GError **error)
{
  for (guint i = 0; i < group->members->len; i++)
    {
      const Member *other = g_ptr_array_index (group->members, i);

      if (other != member && !check_contradiction (member, other, error))
        return FALSE;
    }
  gst_effvk_model_config_copy (&member->wishes, merged);
  merged->top_k = MAX (merged->top_k, GST_EFFVK_DEFAULT_TOP_K);
  merged->n_streams = group->members->len;
  for (int active = 1; active >= 0; active--) /* what runs goes before what may */
    for (guint i = 0; i < group->members->len; i++)
      {
        const Member *other = g_ptr_array_index (group->members, i);

        if (other != member && other->active == active)
          gst_effvk_model_config_merge (merged, &other->wishes);
      }
  return TRUE;
}

static void
log_network (GstEffvkClassify *self, GstEffvkModelInstance *network, gboolean swapped)
{
  const GstEffvkModelConfig *config = gst_effvk_model_instance_get_config (network);
  gboolean shared = gst_effvk_model_config_is_shared (config);
  EffvkDevice *device = get_device (network);

  GST_INFO_OBJECT (self, "%s: %s on %s (%s), %s, batches of %u%s%s",
                   swapped ? "another network takes its place" : "the network",
                   effvk_model_get_name (gst_effvk_model_instance_get_model (network)),
                   effvk_device_get_name (device), effvk_device_get_driver (device),
                   effvk_classifier_get_precision (
                       gst_effvk_model_instance_get_classifier (network))
                           == EFFVK_PRECISION_FP16
                       ? "fp16"
                       : "fp32",
                   gst_effvk_model_instance_get_batch_size (network), shared ? ", shared as " : "",
                   shared ? config->instance_id : "");
}

/* Under lock. The element's next frame is given to @network; the old one is added to @replaced. */
static void
give (GstEffvkClassify *self, GstEffvkModelInstance *network, GArray *replaced)
{
  Replaced other = { .element = gst_object_ref (self) };

  gst_effvk_model_instance_add_streams (network, 1);
  GST_OBJECT_LOCK (self);
  other.old = self->network;
  self->network = gst_effvk_model_instance_ref (network);
  GST_OBJECT_UNLOCK (self);
  log_network (self, network, other.old != NULL);
  if (other.old)
    gst_effvk_model_instance_add_streams (other.old, -1);
  g_array_append_val (replaced, other);
}

static void
accept (GstEffvkClassify *self, const GstEffvkModelConfig *config)
{
  GST_OBJECT_LOCK (self);
  gst_effvk_model_config_clear (&self->accepted);
  gst_effvk_model_config_copy (config, &self->accepted);
  GST_OBJECT_UNLOCK (self);
}

/* The first answer takes longer, while the driver compiles: in a stream that runs a black frame
 * gets it. */
static void
warm (GstEffvkModelInstance *network, GstEffvkClassify *self)
{
  GstVideoInfo info;
  gboolean runs;

  GST_OBJECT_LOCK (self);
  runs = self->network != NULL;
  info = self->info;
  GST_OBJECT_UNLOCK (self);
  if (runs && info.finfo && GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_UNKNOWN)
    gst_effvk_model_instance_warm (network, &info);
}

/* Under lock, but not while the network is made, so that others can leave theirs. */
static GstEffvkModelInstance *
make (Group *group, GstEffvkClassify *self, const GstEffvkModelConfig *config, GError **error)
{
  GstEffvkModelInstance *network;

  group->loading = TRUE;
  g_mutex_unlock (&lock);
  network = gst_effvk_model_instance_new (config, error);
  if (network)
    warm (network, self);
  g_mutex_lock (&lock);
  group->loading = FALSE;
  g_cond_broadcast (&changed);
  return network;
}

/* Under lock. Those whose network's device is lost keep it until they stop. */
static void
drop_lost_network (Group *group)
{
  if (!group->network || !effvk_device_is_lost (get_device (group->network)))
    return;
  group->network = NULL;
  for (guint i = 0; i < group->members->len; i++)
    ((Member *) g_ptr_array_index (group->members, i))->active = FALSE;
}

/* Under lock. Gives @member, and where another network is needed all active members, a network. */
static gboolean
join_group (Group *group, Member *member, GArray *replaced, GError **error)
{
  g_auto (GstEffvkModelConfig) merged = { 0 };
  GstEffvkModelInstance *network;

  drop_lost_network (group);
  if (!merge (group, member, &merged, error))
    return FALSE;
  network = group->network;
  if (network && gst_effvk_registry_suffices (network, &merged))
    gst_effvk_model_instance_ref (network);
  else
    network = make (group, member->element, &merged, error);
  if (!network)
    return FALSE;
  for (guint i = 0; i < group->members->len && network != group->network; i++)
    {
      Member *other = g_ptr_array_index (group->members, i);

      if (other != member && other->active)
        give (other->element, network, replaced);
    }
  group->network = network;
  member->active = TRUE;
  give (member->element, network, replaced);
  gst_effvk_model_instance_unref (network);
  return TRUE;
}

/* What became of those for whom another one made the network. */
static void
tell (const GArray *replaced, GstEffvkClassify *self)
{
  for (guint i = 0; i < replaced->len; i++)
    {
      const Replaced *other = &g_array_index (replaced, Replaced, i);

      if (other->element != self)
        gst_effvk_classify_post_swap (other->element, NULL, NULL);
    }
}

static gboolean
join_shared (GstEffvkClassify *self, const GstEffvkModelConfig *config, GArray *replaced,
             GError **error)
{
  GstEffvkModelConfig before = { 0 };
  Group *group = get_group (config->instance_id);
  Member *member = find_member (group, self);
  gboolean joined, new = !member;

  if (member)
    gst_effvk_model_config_copy (&member->wishes, &before);
  else
    member = set_wishes (group, self, config); /* holds the group */
  while (group->loading)
    g_cond_wait (&changed, &lock);
  set_wishes (group, self, config);
  joined = join_group (group, member, replaced, error);
  if (!joined && !new)
    set_wishes (group, self, &before);
  gst_effvk_model_config_clear (&before);
  if (joined)
    remove_member (self, group, TRUE);
  else if (new)
    {
      g_ptr_array_remove (group->members, member);
      if (group->members->len == 0)
        g_hash_table_remove (groups, group->id);
    }
  return joined;
}

void
gst_effvk_registry_declare (GstEffvkClassify *self)
{
  g_autoptr (GstEffvkModelInstance) network = NULL;
  g_auto (GstEffvkModelConfig) config = { 0 };
  Group *group = NULL;

  g_mutex_lock (&lock);
  network = gst_effvk_classify_get_network (self);
  gst_effvk_classify_get_config (self, &config);
  if (!network || gst_effvk_registry_suffices (network, &config))
    {
      if (gst_effvk_model_config_is_shared (&config))
        {
          group = get_group (config.instance_id);
          set_wishes (group, self, &config);
        }
      remove_member (self, group, FALSE);
      accept (self, &config);
    }
  g_mutex_unlock (&lock);
}

gboolean
gst_effvk_registry_join (GstEffvkClassify *self, const GstEffvkModelConfig *config, GError **error)
{
  g_autoptr (GArray) replaced = new_replaced (); /* goes when the lock is open again */
  g_autoptr (GstEffvkModelInstance) own = NULL;
  gboolean joined;

  if (gst_effvk_model_config_is_shared (config))
    {
      g_mutex_lock (&lock);
      joined = join_shared (self, config, replaced, error);
    }
  else
    {
      own = gst_effvk_model_instance_new (config, error);
      if (own)
        warm (own, self);
      joined = own != NULL;
      g_mutex_lock (&lock);
      if (joined)
        {
          give (self, own, replaced);
          remove_member (self, NULL, TRUE);
        }
    }
  if (joined)
    accept (self, config);
  g_mutex_unlock (&lock);
  tell (replaced, self);
  return joined;
}

void
gst_effvk_registry_leave (GstEffvkClassify *self)
{
  GstEffvkModelInstance *network;
  GHashTableIter iter;
  gpointer group;

  g_mutex_lock (&lock);
  GST_OBJECT_LOCK (self);
  network = g_steal_pointer (&self->network);
  GST_OBJECT_UNLOCK (self);
  if (network)
    gst_effvk_model_instance_add_streams (network, -1);
  if (groups)
    g_hash_table_iter_init (&iter, groups);
  while (groups && g_hash_table_iter_next (&iter, NULL, &group))
    {
      Member *member = find_member (group, self);

      if (!member)
        continue;
      member->active = FALSE;
      forget_network (group);
    }
  g_mutex_unlock (&lock);
  g_clear_pointer (&network, gst_effvk_model_instance_unref);
}
