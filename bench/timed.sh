#!/bin/bash
# timed.sh <log> <command> [args…]: runs the command and notes its wall time and the processor time of its tree.
log=$1
shift
begun=$EPOCHREALTIME
"$@"
code=$?
ended=$EPOCHREALTIME
{ echo "wall $begun $ended"; times; } >>"$log"
exit $code
