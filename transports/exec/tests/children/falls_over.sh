#!/bin/sh
# Ends a moment after it was ready.
echo ready
echo "out of memory" >&2
exit 1
