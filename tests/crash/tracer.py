# SPDX-License-Identifier: MIT
"""Stops a process right before one of its calls to the file system: behind a write and before its sync, between a sync
and the rename that it is for. No sleep hits these moments, which last some microseconds.

The main thread of a child of this process is traced with ptrace(2), by one thread here, and from then on it can only be
killed. While it is traced nobody else may wait for it (Popen.poll() would).
"""

import ctypes
import os
import platform
import signal
import time

SEIZE, INTERRUPT, SYSCALL, GET_SYSCALL_INFO = 0x4206, 0x4207, 24, 0x420E
TRACESYSGOOD, EXITKILL = 1, 1 << 20
SYSCALL_STOP, ENTRY = signal.SIGTRAP | 0x80, 1

# Calls that make something durable, or change names and sizes. Writes alone are not worth a stop: what counts is which of
# them were synced, and LMDB writes a lot to the view.
CALLS = {
    "x86_64": {"fsync": 74, "fdatasync": 75, "ftruncate": 77, "rename": 82, "mkdir": 83, "unlink": 87, "fallocate": 285},
    "aarch64": {"fsync": 82, "fdatasync": 83, "ftruncate": 46, "renameat": 38, "renameat2": 276,
                "mkdirat": 34, "unlinkat": 35, "fallocate": 47},
}.get(platform.machine(), {})


class SyscallInfo(ctypes.Structure):
    """struct ptrace_syscall_info of linux/ptrace.h, as it is at the entry of a call."""

    _fields_ = [("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32), ("ip", ctypes.c_uint64),
                ("sp", ctypes.c_uint64), ("nr", ctypes.c_uint64), ("args", ctypes.c_uint64 * 7)]


class Tracer:
    """OSError when the kernel does not allow it."""

    def __init__(self, pid):
        self.pid = pid
        self.ptrace_call = ctypes.CDLL(None, use_errno=True).ptrace
        self.ptrace_call.restype = ctypes.c_long
        if not CALLS:
            raise OSError(0, f"the system calls of {platform.machine()} are not known")
        self.names = {number: name for name, number in CALLS.items()}
        self.ptrace(SEIZE, 0, TRACESYSGOOD | EXITKILL)
        self.ptrace(INTERRUPT)

    def ptrace(self, request, address=0, data=0):
        result = self.ptrace_call(ctypes.c_long(request), ctypes.c_long(self.pid), ctypes.c_void_p(address),
                                  ctypes.c_void_p(data))
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def stop(self, deadline):
        """Waits for the next stop and returns its status; None when the process has ended, or time has run out."""
        while time.monotonic() < deadline:
            news = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT | os.WNOHANG)
            if news is not None:
                return os.waitid(os.P_PID, self.pid, os.WSTOPPED).si_status if news.si_code == os.CLD_TRAPPED else None
            time.sleep(0.00005)
        return None

    def run_to_call(self, count, patience_s=0.2):
        """Lets it run to the entry of the count-th call from here, and returns the name of the call; None when it does
        not come to that."""
        deadline = time.monotonic() + patience_s
        while (status := self.stop(deadline)) is not None:
            if status == SYSCALL_STOP:
                info = SyscallInfo()
                self.ptrace(GET_SYSCALL_INFO, ctypes.sizeof(info), ctypes.addressof(info))
                count -= info.op == ENTRY and info.nr in self.names
                if count <= 0:
                    return self.names[info.nr]
            # A signal of its own goes through; a stop by the tracer (with an event above the low byte) is none.
            own = status != SYSCALL_STOP and status < 0x100
            self.ptrace(SYSCALL, 0, status if own else 0)
        return None
