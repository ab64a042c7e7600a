#!/bin/sh
# Checks what it is told.
fail() {
    echo "error $1"
    exit 1
}
[ "$#" = 0 ] || fail "arguments"
[ "$FRP_EXEC_VERSION" = 1 ] || fail "version $FRP_EXEC_VERSION"
[ "$FRP_EXEC_ROLE" = server ] || fail "role $FRP_EXEC_ROLE"
[ "$FRP_REMOTE" = 127.0.0.1:0 ] || fail "remote $FRP_REMOTE"
[ "$FRP_OPTIONS" = '{"list":[1,2],"word":"a b"}' ] || fail "options $FRP_OPTIONS"
case "$FRP_LOCAL" in
127.0.0.1:[1-9]*) echo "ready 127.0.0.1:4711" ;;
*) fail "local $FRP_LOCAL" ;;
esac
exec cat
