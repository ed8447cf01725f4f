#!/bin/bash
# Stands in for Claude Code in a crowd: waits a little, by seed, then does a tiny right or wrong change or none, and
# sometimes waits for long. CROWD_DIR holds what it remembers; a file `hold` there makes every run wait for ever.
conversation=none schema=
while [ $# -gt 0 ]; do
  case $1 in
    --session-id | --resume) conversation=$2; shift ;;
    --json-schema) schema=yes; shift ;;
  esac
  shift
done
prompt=$(</dev/stdin)
at=$CROWD_DIR/agents/$AGENT_NAME
answer=
echo "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"$conversation\"}"

if [ "$AGENT_NAME" = reviewer ]; then
  answer='{"decision":"approve","reasons":["It is a note."],"risk":"low","comments":[]}'
else
  if [ -e "$CROWD_DIR/hold" ]; then
    # The first process behind a wall is deaf to every signal that it does not ask for, and Claude Code does ask.
    trap 'exit 130' INT TERM
    : >"$at.held"
    sleep 1000 &
    wait
    exit 1
  fi
  number=$((10#${AGENT_NAME##*-}))
  if [ -n "$schema" ]; then
    n=0
    [ -e "$at.n" ] && read -r n _ <"$at.n"
    n=$((n + 1))
    x=$(((CROWD_SEED * 1000003 + number * 7919 + n * 104729) & 0x7fffffff))
    for _ in 1 2 3; do x=$(((x * 1103515245 + 12345) & 0x7fffffff)); done
    roll=$(((x >> 8) % 100)) wait=$(((x >> 15) % 10))
    deed=empty
    [ $roll -lt 80 ] && deed=wrong
    [ $roll -lt 60 ] && deed=right
    # What somebody asked for is done.
    case $prompt in *CROWD-TASK*) deed=right ;; esac
    [ $roll -ge 95 ] && wait=80
    echo "$n $deed" >"$at.n"
    sleep "$((wait / 10)).$((wait % 10))"
    nothing=false
    [ $deed = empty ] && nothing=true
    note=notes/$AGENT_NAME-$n.txt
    [ $deed = wrong ] && note=parts/$AGENT_NAME.txt
    answer="{\"title\":\"Note number $n of $AGENT_NAME\",\"why\":\"It is time for number $n.\",\"kind\":\"feature\",\"files\":[\"$note\"],\"expects\":\"number $n is there\",\"nothing\":$nothing}"
  else
    read -r n deed <"$at.n"
    case $deed in
      right) mkdir -p notes && echo "$n" >"notes/$AGENT_NAME-$n.txt" ;;
      wrong) echo "wrong $n" >"parts/$AGENT_NAME.txt" ;;
    esac
  fi
fi
used='{"crowd":{"inputTokens":100,"outputTokens":10,"cacheReadInputTokens":0,"cacheCreationInputTokens":0,"costUSD":0.002}}'
echo "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"session_id\":\"$conversation\",\"num_turns\":1,\"stop_reason\":\"end_turn\",\"terminal_reason\":\"completed\",\"result\":\"Done.\",\"permission_denials\":[],\"modelUsage\":$used${answer:+,\"structured_output\":$answer}}"
