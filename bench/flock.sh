#!/bin/bash
# flock.sh <lock> <times>: takes a lock and gives it back so many times, as a script does it with flock(1); prints when it
# asked for it, had it and gave it back, in microseconds.
exec 9>"$1"
echo up
read -r
for ((n = 0; n < $2; n++)); do
  asked=$EPOCHREALTIME
  flock 9
  got=$EPOCHREALTIME
  flock --unlock 9
  echo "${asked/./} ${got/./} ${EPOCHREALTIME/./}"
done
