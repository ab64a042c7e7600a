#!/bin/sh
# Never stops talking.
yes "something is wrong" >&2 &
flood=$!
echo ready
cat
kill "$flood"
