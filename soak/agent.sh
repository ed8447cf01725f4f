#!/bin/bash
# Stands in for Claude Code: asks the soak what is said and done, and does it, in some milliseconds. A sample goes on as
# the real Claude Code, with the same arguments and the same prompt.
# SOAK_MODEL: where to ask. SOAK_CLAUDE: the real one. SOAK_SESSION: on whose behalf. WINNOW_RUN: which run.
conversation=none schema= model=none resumed=
args=("$@")
while [ $# -gt 0 ]; do
  case $1 in
    --session-id) conversation=$2; shift ;;
    --resume) conversation=$2; resumed=yes; shift ;;
    --json-schema) schema=$2; shift ;;
    --model) model=$2; shift ;;
  esac
  shift
done
echo "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"$conversation\"}"
deed=$({ printf '%s\n' "$schema"; cat; } | curl --silent --show-error --data-binary @- \
  "$SOAK_MODEL/$SOAK_SESSION?run=$WINNOW_RUN&conversation=$conversation&model=$model&resumed=$resumed")
# A file, so it can be read once more from its start.
[ "$deed" = real ] && exec "$SOAK_CLAUDE" "${args[@]}" <"/proc/$$/fd/0"
eval "$deed"
