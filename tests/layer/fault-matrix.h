/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fault.h"

/* What came of a scenario: what was answered, and what was said. */
typedef struct
{
  GHashTable *answers; /* what was asked → the answer, both text */
  guint n_errors, n_warnings;
  char *said; /* the last error or warning */
} FaultOutcome;

void fault_outcome_answer (FaultOutcome *outcome, const char *asked, char *answer);
void fault_outcome_error (FaultOutcome *outcome, const char *text);
void fault_outcome_warning (FaultOutcome *outcome, const char *text);

/* Does something that ends with nothing left of Vulkan. */
typedef void (*FaultScenario) (FaultOutcome *outcome, gpointer user_data);

typedef struct
{
  FaultScenario run;
  gpointer user_data;
  /* Fills in the right answers of all that may be asked, where without faults not all are. Or NULL.
   */
  FaultScenario find_answers;
} FaultTest;

/*
 * Runs @test without faults, and then with each call failing in turn: the first, the second, … up
 * to 40 of them, of a call that is made more often spread ones. The failures take turns: out of
 * memory, not initialised, device lost and, where the device is waited for, timed out; of a call
 * that is made four times at most, all of them. With @few two of each call, and one failure each.
 *
 * Each time: no answer is another one than it was; all answers are there, or an error or a warning
 * is, and no two errors; nothing is left of Vulkan unless the device hangs; and it ends within two
 * minutes.
 */
void fault_matrix_run (const FaultTest *test, gboolean few);
