#!/bin/sh
# Does not know the protocol.
echo "hello there"
exec cat
