# SPDX-License-Identifier: MIT
"""Reverse proxies in front of walkv: started by hand on a free port, in a temporary directory, with the sample files of
systemd/examples/, in which nothing is changed but addresses, ports and paths."""

import os
import re
import shutil
import socket
import tempfile
import threading
import unittest
from pathlib import Path

from walkv import ROOT, Connection, Daemon, Walkv, free_port, wait_until

EXAMPLES = ROOT / "systemd" / "examples"
HOST = "walkv.example.org"  # the name in the samples


def changed(name, *changes):
    """The text of a sample. Each change must have a place in it."""
    text = (EXAMPLES / name).read_text()
    for old, new in changes:
        if old not in text:
            raise AssertionError(f"{name} has no {old!r} to put {new!r} in place of")
        text = text.replace(old, new)
    return text


def find(program):
    """The program, also where only root has it in its PATH; skips the test when it is not installed."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise unittest.SkipTest(f"{program} is not installed: scripts/install-deps test")
    return path


def nginx(directory, port, worker_port):
    """A whole configuration as Debian has one, which includes the sample; in the foreground, as one process."""
    sample = directory / "walkv.conf"
    sample.write_text(changed(
        "nginx.conf",
        ("127.0.0.1:4000", f"127.0.0.1:{worker_port}"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("listen [::]:80;", ""),
    ))
    temp = "".join(f"{kind}_temp_path {directory}/{kind};\n"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = directory / "nginx.conf"
    whole.write_text(f"daemon off;\nmaster_process off;\npid {directory}/pid;\nerror_log stderr warn;\n"
                     f"events {{ worker_connections 1024; }}\nhttp {{\naccess_log off;\n{temp}include {sample};\n}}\n")
    return Daemon("nginx", [find("nginx"), "-e", "stderr", "-p", directory, "-c", whole])


def caddy(directory, port, worker_port):
    sample = directory / "Caddyfile"
    sample.write_text(changed(
        "Caddyfile",
        ("127.0.0.1:4000", f"127.0.0.1:{worker_port}"),
        ("http_port 80", f"http_port {port}"),
        ("admin localhost:2019", f"admin unix/{directory}/admin"),
    ))
    home = {"HOME": str(directory), "XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}
    return Daemon("caddy", [find("caddy"), "run", "--adapter", "caddyfile", "--config", sample], env=home)


def haproxy(directory, port, worker_port):
    sample = directory / "haproxy.cfg"
    sample.write_text(changed(
        "haproxy.cfg",
        ("127.0.0.1:4000", f"127.0.0.1:{worker_port}"),
        ("bind :80", f"bind 127.0.0.1:{port}"),
    ))
    before = directory / "global.cfg"
    before.write_text("global\n    maxconn 2000\n")
    return Daemon("haproxy", [find("haproxy"), "-db", "-f", before, "-f", sample])


PROXIES = {"nginx": nginx, "caddy": caddy, "haproxy": haproxy}


class Proxied(Walkv):
    """A walkv that answers to the name of the samples only, and a proxy before it. Whoever asks, asks the proxy."""

    def __init__(self, proxy, **options):
        find(proxy)  # before anything is made
        super().__init__(**{**options, "httpd": {"allowed_hosts": HOST, **options.get("httpd", {})}})
        self.proxy_name = proxy
        self.proxy = None
        self.proxy_port = None
        self.proxy_dir = Path(tempfile.mkdtemp(prefix="walkv-proxy-"))

    def connect(self, **options):
        if self.proxy is None:
            return self.connect_worker(**options)
        return Connection(self.proxy_port, host=HOST, proxied=True, **options)

    def connect_worker(self, **options):
        return Connection(self.port, host=HOST, **options)

    def is_ready(self):
        try:
            with self.connect_worker(patience=10) as c:
                return c.get("/readyz").status == 200
        except OSError:
            return False

    def start(self, **walkvd_flags):
        super().start(**walkvd_flags)
        if self.proxy is None:
            self.proxy_port = free_port()
            self.proxy = PROXIES[self.proxy_name](self.proxy_dir, self.proxy_port, self.port)
            self.all.append(self.proxy)
            wait_until(self.proxy_answers, f"{self.proxy_name} to answer")
        return self

    def proxy_answers(self):
        if not self.proxy.running():
            raise AssertionError(f"{self.proxy_name} ended with {self.proxy.wait()}:\n{self.proxy.log}")
        try:
            with self.connect(patience=10) as c:
                return c.get("/readyz").status == 200
        except OSError:
            return False

    def connections_to_workers(self):
        """How many connections there have been to the port of the workers in the last minute: those that are open, and
        those that Linux remembers as closed."""
        found = set()
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            ports = {int(address.rpartition(":")[2], 16) for address in line.split()[1:3]}
            if self.port in ports:
                found |= ports - {self.port, 0}
        return len(found)

    def close(self):
        super().close()
        shutil.rmtree(self.proxy_dir, ignore_errors=True)


class Upstream:
    """Stands where the workers are and hears what a proxy says. `answer(request, connection)` sends what it likes; a
    request is (head as text, body). The connection is closed unless `answer` returns True."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.over = False
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for each in self.connections:
            each.close()

    def _accept(self):
        while not self.over:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                while request := self._read(connection):
                    self.requests.append(request)
                    if not self.answer(request, connection):
                        return
            except OSError:
                return

    @staticmethod
    def _read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(1 << 16)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        while length and len(body) < int(length[1]):
            body += connection.recv(1 << 16)
        return head.decode(), body


def field(head, name):
    """The values of a header field in the head of a request."""
    return [v.strip() for n, _, v in (line.partition(":") for line in head.split("\r\n")[1:]) if n.lower() == name.lower()]
