#!/bin/sh
# Says why it will not start.
echo "error key is missing"
exec cat
