# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams with faults at known times, and how a monitor's events compare with them."""
