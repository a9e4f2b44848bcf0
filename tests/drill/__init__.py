# SPDX-License-Identifier: MIT
"""The drill: load, kills and a check of every answer, against a live instance. scripts/drill is the way in."""
