#!/usr/bin/env python3
"""A transport program for Culvert: masks bytes with the option `key`. See docs/EXTENDING.md.

At the client it listens on FRP_LOCAL and leads to its peer at FRP_REMOTE; at the server it listens
at FRP_REMOTE and leads to FRP_LOCAL. Both ends mask what comes in on one side and goes out on the
other, so that only the bytes between the two programs are masked.
"""

import asyncio
import json
import os
import sys
import threading

PIECE = 64 * 1024


def address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def mask(data, key, place):
    pad = (key * (len(data) // len(key) + 2))[place : place + len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(data), "big")


async def pump(reader, writer, key):
    """Carries one direction, and its end; a failure ends both."""
    place = 0
    try:
        while data := await reader.read(PIECE):
            writer.write(mask(data, key, place))
            place = (place + len(data)) % len(key)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def serve(reader, writer, to, key):
    try:
        far_reader, far_writer = await asyncio.open_connection(*to)
    except OSError as err:
        print(f"cannot reach {to[0]}:{to[1]}: {err}", file=sys.stderr, flush=True)
        writer.transport.abort()
        return
    await asyncio.gather(pump(reader, far_writer, key), pump(far_reader, writer, key))
    for each in (writer, far_writer):
        each.close()


def end_with_parent():
    """The parent closes our standard input when it wants us to end, and when it is gone."""
    sys.stdin.buffer.read()
    os._exit(0)


async def main():
    if os.environ.get("FRP_EXEC_VERSION") != "1":
        print("error this program speaks version 1 of the protocol", flush=True)
        return
    key = json.loads(os.environ["FRP_OPTIONS"]).get("key", "").encode()
    if not key:
        print("error the option key is missing", flush=True)
        return
    local, remote = address(os.environ["FRP_LOCAL"]), address(os.environ["FRP_REMOTE"])
    at, to = (local, remote) if os.environ["FRP_EXEC_ROLE"] == "client" else (remote, local)
    server = await asyncio.start_server(lambda r, w: serve(r, w, to, key), *at)
    threading.Thread(target=end_with_parent, daemon=True).start()
    if at is remote:
        host, port = server.sockets[0].getsockname()[:2]
        print(f"ready [{host}]:{port}" if ":" in host else f"ready {host}:{port}", flush=True)
    else:
        print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
