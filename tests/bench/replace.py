#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a killed worker is away: with one worker, the time from its SIGKILL to the first answer of the next one, on a
connection that is opened right after the kill. Prints the median and the maximum of --rounds, and how many connections
were refused. Loopback and local files only.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

NAP_S = 0.15  # between kills; a worker that dies within 100 ms of its start three times in a row is started later


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(port, path):
    """The body of an answer, or ConnectionRefusedError."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode())
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise OSError("answered %r" % head[:60])
    return body


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="build directory (default build/release)")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="walkv-bench-")
    view = "/dev/shm/walkv-bench-%d" % os.getpid()
    port, sock = free_port(), os.path.join(directory, "walkvd.sock")
    quiet = {"stderr": subprocess.DEVNULL}
    processes = [
        subprocess.Popen([os.path.join(args.build, "walkvd", "walkvd"), "--data-dir", os.path.join(directory, "data"),
                          "--socket-path", sock, "--view-path", view], **quiet),
        subprocess.Popen([os.path.join(args.build, "walkv-httpd", "walkv-httpd"), "--listen", "127.0.0.1:%d" % port,
                          "--workers", "1", "--socket-path", sock, "--view-path", view], **quiet)]
    times, refused = [], 0
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                get(port, "/readyz")
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit("walkv did not become ready")
                time.sleep(0.05)
        for _ in range(args.rounds):
            worker = json.loads(get(port, "/api/status"))["worker"]["pid"]
            time.sleep(NAP_S)
            began = time.monotonic()
            os.kill(worker, signal.SIGKILL)
            while True:
                try:
                    get(port, "/livez")
                    break
                except ConnectionRefusedError:
                    refused += 1
                except OSError:
                    pass  # taken by the one that was dying
            times.append((time.monotonic() - began) * 1000)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()
        for suffix in ("", ".gen", "-lock", ".new"):
            try:
                os.unlink(view + suffix)
            except FileNotFoundError:
                pass
        shutil.rmtree(directory)
    figures = {"kills": args.rounds, "answered_again_ms_median": round(statistics.median(times), 1),
               "answered_again_ms_max": round(max(times), 1), "refused_connections": refused}
    if args.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print("%-26s %s" % (name, value))
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
