#!/bin/sh
# Does not care about its standard input.
trap '' TERM INT HUP
echo ready
exec sleep 1000
