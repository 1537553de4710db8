"""Runs a program under limits and ends every process that it leaves behind.

    python3 -I supervise.py OPTIONS PROGRAM ARGUMENT...

This process is a subreaper (prctl(2)): when a process below it loses its parent, it becomes a child of this process, in
whatever session or process group it is. So the whole tree can be found and ended: when the program has exited, on
SIGTERM, when the parent of this process has died, and when the tree exceeds a limit.

Where this process is root, the program gets a PID namespace, which the kernel ends as a whole. Root's own processes
have no other end, because the kernel does not limit their number; without a namespace they do not run.

OPTIONS is a JSON object:
    parent        process id that has to stay alive
    folder        the work folder; it is measured, and removed when the parent has died
    graceSeconds  time between SIGTERM and SIGKILL
    limits        memoryMiB, processes, diskMiB for the tree; openFiles, fileMiB, cpuSeconds for each process
    user          null, or uid and gid of the program
    privileged    whether the program may be one that changes its user (bubblewrap sees to that itself)

How it ended goes to file descriptor 3 as a JSON object: exitCode, and limit where one was exceeded.
"""
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
CLONE_NEWPID = 0x20000000
MIB = 1 << 20
POLL_SECONDS, DISK_SECONDS, KILL_SECONDS = 0.05, 0.5, 60.0
ON_LINUX = sys.platform == "linux"

stopping = False


def stop(*_):
    global stopping
    stopping = True


def libc(function, *arguments):
    if ON_LINUX and getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function}{arguments}")


def prctl(option, value):
    libc("prctl", option, value, 0, 0, 0)


def processes():
    """Parent, number of threads and whether it is stopped, by process id."""
    found = {}
    for name in os.listdir("/proc") if ON_LINUX else []:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] != b"Z":
                found[int(name)] = (int(fields[1]), int(fields[17]), fields[0] in b"Tt")
    return found


def descendants(found):
    children = {}
    for pid, (parent, *_) in found.items():
        children.setdefault(parent, []).append(pid)
    tree, level = [], [os.getpid()]
    while level:
        level = [child for pid in level for child in children.get(pid, [])]
        tree += level
    return tree


def memory(pid):
    """Bytes of a process that no file holds."""
    size = 0
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith(("RssAnon:", "RssShmem:", "VmSwap:")):
                    size += int(line.split()[1]) * 1024
    except OSError:
        pass
    return size


def disk(folder):
    """Bytes that a folder takes, as far as they can be seen."""
    size = 0
    for path, folders, files in os.walk(folder, onerror=lambda _: None):
        for name in files:
            try:
                size += os.lstat(os.path.join(path, name)).st_blocks * 512
            except OSError:
                pass
    return size


def lowered(which, value):
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def prepare(options):
    """In the child, before the program starts: as the program's user, with its limits."""
    limits = options["limits"]
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if not options["privileged"]:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
    # The kernel counts all threads of the user, also those outside of this tree.
    others = sum(threads for pid, (_, threads, _) in processes().items() if owner(pid) == os.getuid())
    lowered(resource.RLIMIT_NPROC, limits["processes"] + others)
    lowered(resource.RLIMIT_DATA, limits["memoryMiB"] * MIB)
    lowered(resource.RLIMIT_FSIZE, limits["fileMiB"] * MIB)
    lowered(resource.RLIMIT_NOFILE, limits["openFiles"])
    lowered(resource.RLIMIT_CPU, limits["cpuSeconds"])
    lowered(resource.RLIMIT_CORE, 0)
    os.nice(5)


def owner(pid):
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def reap(codes):
    """Collects what has ended; returns whether there are children left."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
        codes[pid] = os.waitstatus_to_exitcode(status)


def send(number, pids):
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def end_all(codes, main, grace):
    # Where there is no /proc, the group of the program is all that can be found.
    send(signal.SIGTERM, descendants(processes()) if ON_LINUX else [-main])
    deadline = time.monotonic() + grace
    while reap(codes) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    # With the first process of a PID namespace, all of it ends.
    send(signal.SIGKILL, [main] if ON_LINUX and main not in codes else [])
    deadline = time.monotonic() + KILL_SECONDS
    while reap(codes) and time.monotonic() < deadline:
        found = processes()
        moving = [pid for pid in descendants(found) if not found[pid][2]] if ON_LINUX else []
        # What multiplies faster than it is killed is stopped first, all of it: stopped processes keep their places.
        send(signal.SIGSTOP, moving)
        if not moving:
            send(signal.SIGKILL, descendants(found) if ON_LINUX else [-main])
            time.sleep(0.01)


def exceeded(limits, folder, look_at_disk):
    """The limit that the tree exceeds, in words."""
    found = processes()
    tree = descendants(found)
    threads = sum(found[pid][1] for pid in tree)
    if threads > limits["processes"]:
        return f"processes: more than {limits['processes']} processes and threads"
    if sum(memory(pid) for pid in tree) > limits["memoryMiB"] * MIB:
        return f"memoryMiB: more than {limits['memoryMiB']} MiB of memory"
    if look_at_disk and disk(folder) > limits["diskMiB"] * MIB:
        return f"diskMiB: more than {limits['diskMiB']} MiB in the work folder"
    return None


def main():
    options, command = json.loads(sys.argv[1]), sys.argv[2:]
    limits, folder, user = options["limits"], options["folder"], options["user"]
    # First of all: from here on, a signal ends the tree and not only this process.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    identity = {}
    if user:
        identity = {"user": user["uid"], "group": user["gid"], "extra_groups": []}
        for path, folders, files in os.walk(folder):
            for name in [".", *files]:
                os.chown(os.path.join(path, name), user["uid"], user["gid"], follow_symlinks=False)
    if os.getuid() == 0 and not options["privileged"]:
        try:
            libc("unshare", CLONE_NEWPID)
        except OSError:
            if not user:
                sys.exit(
                    "programs do not run as root here: name another user (egExtensions.verify.user), or a sandbox"
                    " (egExtensions.verify.sandbox)"
                )
    codes, limit, next_look = {}, None, 0.0
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=lambda: prepare(options), **identity
    )
    while child.pid not in codes and not stopping and os.getppid() == options["parent"]:
        look_at_disk = time.monotonic() >= next_look
        limit = exceeded(limits, folder, look_at_disk) if ON_LINUX else None
        if limit:
            break
        if look_at_disk:
            next_look = time.monotonic() + DISK_SECONDS
        time.sleep(POLL_SECONDS)
        reap(codes)
    orphaned = os.getppid() != options["parent"]
    # What is too much has had its chance, and what nobody waits for needs none.
    end_all(codes, child.pid, 0 if limit or orphaned else options["graceSeconds"])
    # A parent with threads dies thread by thread: it can be gone only now.
    if os.getppid() != options["parent"]:
        shutil.rmtree(folder, ignore_errors=True)
        return
    with os.fdopen(3, "w") as report:
        json.dump({"exitCode": codes.get(child.pid), "limit": limit}, report)


if __name__ == "__main__":
    main()
