#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What somebody would try who has taken over a worker: ways to change the read view, the log, or walkvd itself. Run as the
workers' user; prints one line for each way: `denied` with the error, `DONE`, or `UNCLEAR` with an error that is no refusal.
Arguments: the process id of walkvd, a file of its log, and `hidden` where data and other processes are not to be seen at all."""
import ctypes
import errno
import mmap
import os
import signal
import sys

VIEW, SOCKET, DATA = "/dev/shm/walkv/view", "/run/walkv/walkvd.sock", "/var/lib/walkv"
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
LIBC.process_vm_writev.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
WALKVD = int(sys.argv[1])
PTRACE_ATTACH, PTRACE_SEIZE, PIDFD_OPEN, PIDFD_GETFD, F_ADD_SEALS, FALLOC_PUNCH_HOLE = 16, 0x4206, 434, 438, 1033, 3


def check(result):
    if result in (-1, ctypes.c_void_p(-1).value):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def reader():
    return os.open(VIEW, os.O_RDONLY)


def open_for_writing():
    os.open(VIEW, os.O_RDWR)


def open_again_through_proc():
    os.open("/proc/self/fd/%d" % reader(), os.O_RDWR)


def open_what_walkvd_has_open():
    for name in os.listdir("/proc/%d/fd" % WALKVD):
        if "walkv" in os.readlink("/proc/%d/fd/%s" % (WALKVD, name)):
            os.open("/proc/%d/fd/%s" % (WALKVD, name), os.O_RDWR)


def take_a_descriptor_of_walkvd():
    pidfd = check(LIBC.syscall(PIDFD_OPEN, WALKVD, 0))
    check(LIBC.syscall(PIDFD_GETFD, pidfd, 3, 0))


def map_for_writing():
    check(LIBC.mmap(None, 4096, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, reader(), 0))


def make_a_mapping_writable():
    at = check(LIBC.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, reader(), 0))
    check(LIBC.mprotect(at, 4096, mmap.PROT_READ | mmap.PROT_WRITE))


def write_to_the_reader():
    os.pwrite(reader(), b"x", 0)


def cut_the_open_file():
    os.ftruncate(reader(), 0)


def cut_the_file():
    os.truncate(VIEW, 0)


def punch_a_hole():
    check(LIBC.fallocate(reader(), FALLOC_PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(4096)))


def seal_it():
    check(LIBC.fcntl(reader(), F_ADD_SEALS, 2))


def unlink_it():
    os.unlink(VIEW)


def rename_over_it():
    os.replace(VIEW + ".gen", VIEW)


def put_a_file_beside_it():
    open(VIEW + ".new", "x", encoding="ascii").close()


def take_its_directory_away():
    os.rename("/dev/shm/walkv", "/dev/shm/walkv-away")


def change_its_mode():
    os.chmod(VIEW, 0o666)


def change_its_owner():
    os.chown(VIEW, os.getuid(), -1)


def change_its_times():
    os.utime(VIEW)


def write_the_generation():
    os.open(VIEW + ".gen", os.O_RDWR)


def open_the_lock_file():
    os.open(VIEW + "-lock", os.O_RDWR)


def mount_over_it():
    check(LIBC.mount(b"none", b"/dev/shm/walkv", b"tmpfs", 0, None))


def trace_walkvd():
    check(LIBC.ptrace(PTRACE_ATTACH, WALKVD, None, None))


def seize_walkvd():
    check(LIBC.ptrace(PTRACE_SEIZE, WALKVD, None, None))


def write_the_memory_of_walkvd():
    os.open("/proc/%d/mem" % WALKVD, os.O_RDWR)


def write_into_walkvd():
    buffer = ctypes.create_string_buffer(16)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    check(LIBC.process_vm_writev(WALKVD, vector, 1, vector, 1, 0))


def kill_walkvd():
    os.kill(WALKVD, signal.SIGKILL)


def stop_walkvd():
    os.kill(WALKVD, signal.SIGSTOP)


def slow_walkvd_down():
    os.setpriority(os.PRIO_PROCESS, WALKVD, 19)


def list_the_data():
    os.listdir(DATA)


def write_the_control_file():
    os.open(DATA + "/control", os.O_RDWR)


def write_the_log():
    os.open(DATA + "/wal/" + sys.argv[2], os.O_RDWR)


def remove_the_socket():
    os.unlink(SOCKET)


def put_a_socket_of_its_own_there():
    open("/run/walkv/other", "x", encoding="ascii").close()


def change_the_configuration():
    os.open("/etc/walkv/walkv.conf", os.O_RDWR)


WAYS = [
    open_for_writing, open_again_through_proc, open_what_walkvd_has_open, take_a_descriptor_of_walkvd, map_for_writing,
    make_a_mapping_writable, write_to_the_reader, cut_the_open_file, cut_the_file, punch_a_hole, seal_it, unlink_it,
    rename_over_it, put_a_file_beside_it, take_its_directory_away, change_its_mode, change_its_owner, change_its_times,
    write_the_generation, open_the_lock_file, mount_over_it, trace_walkvd, seize_walkvd, write_the_memory_of_walkvd, write_into_walkvd,
    kill_walkvd, stop_walkvd, slow_walkvd_down, list_the_data, write_the_control_file, write_the_log, remove_the_socket,
    put_a_socket_of_its_own_there, change_the_configuration,
]


REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS} | ({errno.ENOENT} if sys.argv[3] == "hidden" else set())
# What is said of a descriptor that is open for reading only.
FOR_READING = {write_to_the_reader: errno.EBADF, cut_the_open_file: errno.EINVAL, punch_a_hole: errno.EBADF}


def main():
    os.close(reader())  # or else nothing of it would mean anything
    for way in WAYS:
        try:
            way()
            print("DONE   %s" % way.__name__)
        except OSError as error:
            denied = error.errno in REFUSALS or FOR_READING.get(way) == error.errno
            print("%s %s: %s" % ("denied" if denied else "UNCLEAR", way.__name__, error.strerror))


if __name__ == "__main__":
    main()
