#!/bin/bash
# Stands in for Claude Code where only its being there matters: speaks the same lines and costs a few milliseconds.
# STAND_IN_DIR holds, for the nth cycle of a session, <session>.<n>.json (the plan) and <session>.<n>.sh (the deed).
conversation=none schema=
while [ $# -gt 0 ]; do
  case $1 in
    --session-id | --resume) conversation=$2; shift ;;
    --json-schema) schema=yes; shift ;;
  esac
  shift
done
at=$STAND_IN_DIR/$STAND_IN_SESSION
echo "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"$conversation\"}"
if [ -e "$STAND_IN_DIR/hold" ]; then
  : >"$at.held"
  exec sleep 1000
fi
n=0
[ -e "$at.n" ] && read -r n <"$at.n"
if [ -n "$schema" ]; then
  n=$((n + 1))
  echo $n >"$at.n"
  plan=$(<"$at.$n.json")
  answer=",\"structured_output\":$plan"
else
  . "$at.$n.sh"
  answer=
fi
echo "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"session_id\":\"$conversation\",\"num_turns\":1,\"stop_reason\":\"end_turn\",\"terminal_reason\":\"completed\",\"result\":\"Done.\",\"permission_denials\":[],\"modelUsage\":{}$answer}"
