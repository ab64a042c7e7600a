#!/bin/sh
# Ends when its standard input does.
echo ready
exec cat
