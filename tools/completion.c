/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completion for bash, zsh and fish, made from the tables of options that the commands parse. */
#include "completion.h"

#include <stdio.h>
#include <string.h>

/* What writes one shell's file. */
typedef struct
{
  const char *name;
  void (*begin) (GString *out, const ToolCommand *commands, guint n);
  void (*command) (GString *out, const char *command, const GOptionEntry *entries);
  void (*end) (GString *out);
} Shell;

/* Where a command's options go while completions are made; else NULL. */
static GString *taken;
static const Shell *shell;

/* The values of options that have few: by the word that stands for them in the help. */
static const struct
{
  const char *description, *values;
} choices[] = {
  { "PRECISION", "auto fp32 fp16" },
  { "DEVICE", "auto gpu cpu" },
  { "RUNTIME", "onnxruntime" },
};

static gboolean
takes_value (const GOptionEntry *entry)
{
  return entry->arg != G_OPTION_ARG_NONE;
}

static const char *
find_values (const GOptionEntry *entry)
{
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    if (g_strcmp0 (entry->arg_description, choices[i].description) == 0)
      return choices[i].values;
  return NULL;
}

static gboolean
takes_file (const GOptionEntry *entry)
{
  return entry->arg == G_OPTION_ARG_FILENAME || entry->arg == G_OPTION_ARG_FILENAME_ARRAY
         || g_strcmp0 (entry->arg_description, "FILE") == 0;
}

/* @text with a backslash before each of @special. */
static char *
escape (const char *text, const char *special)
{
  GString *out = g_string_new (NULL);

  for (; *text; text++)
    {
      if (strchr (special, *text))
        g_string_append_c (out, '\\');
      g_string_append_c (out, *text);
    }
  return g_string_free (out, FALSE);
}

/* @text for between single quotes in zsh, with a backslash before each of @special. */
static char *
quote (const char *text, const char *special)
{
  g_autofree char *escaped = escape (text, special);
  g_auto (GStrv) parts = g_strsplit (escaped, "'", -1);

  return g_strjoinv ("'\\''", parts);
}

/* Whether the help shows it. */
static gboolean
is_shown (const GOptionEntry *entry)
{
  return !(entry->flags & G_OPTION_FLAG_HIDDEN);
}

static void
append_names (GString *out, const ToolCommand *commands, guint n)
{
  for (guint i = 0; i < n; i++)
    g_string_append_printf (out, "%s ", commands[i].name);
}

/* bash */

static void
bash_begin (GString *out, const ToolCommand *commands, guint n)
{
  g_string_append (out,
                   "# Completion of effvk for bash, made by `effvk completion bash`.\n"
                   "_effvk ()\n"
                   "{\n"
                   "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                   "  local options='' values='' files=1\n"
                   "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                   "    mapfile -t COMPREPLY < <(compgen -W '");
  append_names (out, commands, n);
  g_string_append (out, "help --help --version' -- \"$word\")\n"
                        "    return\n"
                        "  fi\n"
                        "  case ${COMP_WORDS[1]} in\n"
                        "    help)\n"
                        "      files='' values='");
  append_names (out, commands, n);
  g_string_append (out, "'\n      ;;\n");
}

static void
bash_command (GString *out, const char *command, const GOptionEntry *entries)
{
  g_string_append_printf (out, "    %s)\n      options='--help", command);
  for (const GOptionEntry *entry = entries; entry->long_name; entry++)
    if (is_shown (entry))
      g_string_append_printf (out, " --%s", entry->long_name);
  g_string_append (out, "'\n      case $before in\n");
  for (const GOptionEntry *entry = entries; entry->long_name; entry++)
    {
      const char *values = find_values (entry);

      if (!takes_value (entry))
        continue;
      g_string_append_printf (out, "        --%s", entry->long_name);
      if (entry->short_name)
        g_string_append_printf (out, "|-%c", entry->short_name);
      g_string_append_printf (out, ") options=");
      if (values)
        g_string_append_printf (out, " files='' values='%s'", values);
      else if (!takes_file (entry))
        g_string_append (out, " files=''");
      g_string_append (out, " ;;\n");
    }
  g_string_append (out, "      esac\n      ;;\n");
}

static void
bash_end (GString *out)
{
  g_string_append (out, "  esac\n"
                        "  if [ -n \"$values\" ]; then\n"
                        "    mapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$word\")\n"
                        "  elif [ -n \"$options\" ] && [ \"${word:0:1}\" = - ]; then\n"
                        "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
                        "  elif [ -n \"$files\" ]; then\n"
                        "    compopt -o filenames 2>/dev/null\n"
                        "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                        "  fi\n"
                        "}\n"
                        "complete -F _effvk effvk\n");
}

/* zsh */

static void
zsh_begin (GString *out, const ToolCommand *commands, guint n)
{
  g_string_append (out, "#compdef effvk\n"
                        "# Completion of effvk for zsh, made by `effvk completion zsh`.\n"
                        "_effvk ()\n"
                        "{\n"
                        "  local -a commands=(\n");
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *summary = quote (commands[i].summary, "\\:");

      g_string_append_printf (out, "    '%s:%s'\n", commands[i].name, summary);
    }
  g_string_append (out, "  )\n"
                        "  if (( CURRENT == 2 )); then\n"
                        "    _describe command commands\n"
                        "    _arguments '--help[show help]' '--version[show the version]'\n"
                        "    return\n"
                        "  fi\n"
                        "  shift words\n"
                        "  (( CURRENT-- ))\n"
                        "  case $words[1] in\n"
                        "    help) _describe command commands ;;\n");
}

static void
zsh_command (GString *out, const char *command, const GOptionEntry *entries)
{
  g_string_append_printf (out, "    %s)\n      _arguments -s '--help[show help]'", command);
  for (const GOptionEntry *entry = entries; entry->long_name; entry++)
    {
      g_autofree char *description = quote (entry->description, "\\[]:");
      const char *values = find_values (entry);

      if (!is_shown (entry))
        continue;
      g_string_append (out, " \\\n        ");
      if (entry->short_name)
        g_string_append_printf (out, "{-%c,--%s}", entry->short_name, entry->long_name);
      else
        g_string_append_printf (out, "--%s", entry->long_name);
      g_string_append_printf (out, "'[%s]", description);
      if (values)
        g_string_append_printf (out, ":%s:(%s)", entry->arg_description, values);
      else if (takes_value (entry))
        g_string_append_printf (out, ":value:%s", takes_file (entry) ? "_files" : " ");
      g_string_append_c (out, '\'');
    }
  g_string_append (out, " \\\n        '*:file:_files'\n      ;;\n");
}

static void
zsh_end (GString *out)
{
  g_string_append (out, "  esac\n"
                        "}\n"
                        "_effvk \"$@\"\n");
}

/* fish */

static void
fish_begin (GString *out, const ToolCommand *commands, guint n)
{
  g_string_append (out, "# Completion of effvk for fish, made by `effvk completion fish`.\n"
                        "complete -c effvk -n __fish_use_subcommand -l help -d 'show help'\n"
                        "complete -c effvk -n __fish_use_subcommand -l version "
                        "-d 'show the version'\n"
                        "complete -c effvk -n '__fish_seen_subcommand_from help' -x -a '");
  append_names (out, commands, n);
  g_string_append (out, "'\n");
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *summary = escape (commands[i].summary, "\\'");

      g_string_append_printf (out, "complete -c effvk -n __fish_use_subcommand -f -a %s -d '%s'\n",
                              commands[i].name, summary);
    }
}

static void
fish_command (GString *out, const char *command, const GOptionEntry *entries)
{
  for (const GOptionEntry *entry = entries; entry->long_name; entry++)
    {
      g_autofree char *description = escape (entry->description, "\\'");
      const char *values = find_values (entry);

      if (!is_shown (entry))
        continue;
      g_string_append_printf (out, "complete -c effvk -n '__fish_seen_subcommand_from %s' -l %s",
                              command, entry->long_name);
      if (entry->short_name)
        g_string_append_printf (out, " -s %c", entry->short_name);
      if (values)
        g_string_append_printf (out, " -x -a '%s'", values);
      else if (takes_value (entry))
        g_string_append (out, takes_file (entry) ? " -r -F" : " -x");
      g_string_append_printf (out, " -d '%s'\n", description);
    }
}

static void
fish_end (GString *out)
{
}

static const Shell shells[] = {
  { "bash", bash_begin, bash_command, bash_end },
  { "zsh", zsh_begin, zsh_command, zsh_end },
  { "fish", fish_begin, fish_command, fish_end },
};

gboolean
tool_completion_take (const char *command, const GOptionEntry *entries)
{
  if (taken)
    shell->command (taken, command, entries);
  return taken != NULL;
}

ToolStatus
tool_completion (const ToolCommand *commands, guint n, char ***argv)
{
  const GOptionEntry none[] = { { NULL } };
  g_autoptr (GString) out = g_string_new (NULL);

  if (!tool_parse ("completion", "bash|zsh|fish",
                   "Prints what completes effvk's commands and options in a shell.",
                   "Example:\n  source <(effvk completion bash)\n", none, argv))
    return TOOL_USAGE;
  for (guint i = 0; i < G_N_ELEMENTS (shells); i++)
    if ((*argv)[1] && !(*argv)[2] && strcmp ((*argv)[1], shells[i].name) == 0)
      shell = &shells[i];
  if (!shell)
    return tool_usage_error ("completion", "name one shell: bash, zsh or fish");
  shell->begin (out, commands, n);
  taken = out;
  for (guint i = 0; i < n; i++)
    {
      char *name[] = { (char *) commands[i].name, NULL };
      g_auto (GStrv) arguments = g_strdupv (name);

      commands[i].run (&arguments);
    }
  taken = NULL;
  shell->end (out);
  fputs (out->str, stdout);
  return TOOL_OK;
}
