# SPDX-License-Identifier: MIT
"""compose.yaml as arguments of podman, so that what is tested is what is shipped. Every key of a service has a line in
_KEYS; one that is not there is an error, and not left out.

Two things are not as with docker compose: there is no network, so nothing is published; and health checks run when a test
asks for one, not by a timer."""

import json
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "walkvtest_"  # of the names of volumes

_UNITS_S = {"s": 1, "m": 60, "h": 3600}


def load(*files):
    """The services and volumes of compose.yaml, or of several files, each on top of those before it."""
    import yaml  # Debian's python3-yaml; whoever has it not skips

    whole = {"services": {}, "volumes": {}}
    for name in files or ("compose.yaml",):
        text = (ROOT / name).read_text(encoding="utf-8")
        text = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: os.environ.get(m[1]) or m[2], text)
        layer = yaml.safe_load(text)
        whole["volumes"].update(layer.get("volumes") or {})
        for service, keys in layer["services"].items():
            below = whole["services"].setdefault(service, {})
            volumes = below.get("volumes", []) + keys.get("volumes", [])
            below.update(keys)
            below["volumes"] = volumes
    return whole


def _seconds(text):
    number, unit = re.fullmatch(r"(\d+)([smh])", text).groups()
    return int(number) * _UNITS_S[unit]


def _volume(text, base):
    source, rest = text.split(":", 1)
    return f"{(Path(base) / source).resolve() if source.startswith('.') else PREFIX + source}:{rest}"


def _health(check):
    assert check["test"][0] == "CMD", check
    for name in ("interval", "timeout", "start_period"):
        _seconds(check[name])
    return ["--health-cmd", json.dumps(check["test"][1:]), "--health-interval", "disable",
            "--health-retries", str(check["retries"]), "--health-timeout", check["timeout"]]


def _security(options):
    assert options == ["no-new-privileges:true"], options
    return ["--security-opt", "no-new-privileges"]


_KEYS = {
    "build": lambda value, base: [],
    "command": lambda value, base: [],  # behind the image
    "depends_on": lambda value, base: [],  # the order of start and stop
    "ports": lambda value, base: [],
    "network_mode": lambda value, base: [],
    "user": lambda value, base: ["--user", value],
    # podman mounts places to write to over /run and /tmp, unless it is told not to; docker does not.
    "read_only": lambda value, base: ["--read-only", "--read-only-tmpfs=false"] if value else [],
    "cap_drop": lambda value, base: [f"--cap-drop={name}" for name in value],
    "security_opt": lambda value, base: _security(value),
    "restart": lambda value, base: ["--restart", value],
    "volumes": lambda value, base: [f"--volume={_volume(text, base)}" for text in value],
    "healthcheck": lambda value, base: _health(value),
    "stop_grace_period": lambda value, base: ["--stop-timeout", str(_seconds(value))],
    "ulimits": lambda value, base: [f"--ulimit={name}={number}:{number}" for name, number in value.items()],
}


def run_arguments(service, base=ROOT):
    """What `podman run` gets before the image, for one service; `base` is what its relative paths are relative to."""
    made = ["--network", "none"]
    for key, value in service.items():
        made += _KEYS[key](value, base)
    return made


def volume_arguments(volume):
    """What `podman volume create` gets before the name."""
    made = []
    for name, value in ((volume or {}).get("driver_opts") or {}).items():
        made += ["--opt", f"{name}={value}"]
    return made
