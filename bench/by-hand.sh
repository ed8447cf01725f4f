#!/bin/sh
# by-hand.sh <mirror> <place> <n>: the git and file work of one cycle, as a person would script it.
set -e
mirror=$1 place=$2 n=$3
git -C "$mirror" fetch --quiet origin
rm -rf "$place/workspace"
git clone --quiet --shared --branch main "$mirror" "$place/workspace"
cd "$place/workspace"
git switch --quiet --create "brl/hand/$n"
echo "export const hand$n = $n;" >"hand$n.js"
git add --all
git commit --quiet --message "Attempt $n"
git -C "$mirror" fetch --quiet "$place/workspace" "brl/hand/$n:refs/kept/$n"
git -C "$mirror" diff main "refs/kept/$n" >"$place/patch"
git -C "$mirror" fetch --quiet origin
tree=$(git -C "$mirror" merge-tree --write-tree main "refs/kept/$n")
rm -rf "$place/checkout"
mkdir "$place/checkout"
GIT_INDEX_FILE=$place/index git --git-dir "$mirror" --work-tree "$place/checkout" read-tree "$tree"
GIT_INDEX_FILE=$place/index git --git-dir "$mirror" --work-tree "$place/checkout" checkout-index --all --quiet
git -C "$mirror" push --quiet origin "refs/kept/$n:refs/heads/brl/hand/$n"
echo "{\"cycle\":$n,\"tree\":\"$tree\"}" >>"$place/log"
