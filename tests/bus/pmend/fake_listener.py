#!/usr/bin/env python3
"""fake_listener.py SOCKET: the fake worker for pmends that connect, one process for each connection."""
import json
import os
import signal
import socket
import sys

import fake_worker


def serve(connection: socket.socket) -> None:
    """The role that pmend's greeting asks for, as pmend-worker --listen takes it."""
    role = json.loads(connection.recv(fake_worker.MOST + 1))["role"]
    worker = fake_worker.Worker(role, connection)
    worker.hello()
    try:
        worker.serve()
    except (fake_worker.Gone, ConnectionError):
        pass


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(sys.argv[1])
    listener.listen()
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            serve(connection)
            os._exit(0)
        connection.close()


if __name__ == "__main__":
    main()
