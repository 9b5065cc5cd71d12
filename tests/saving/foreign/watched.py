"""What loading a file may do to the machine: read that file, compute, and nothing else.

`watch(folder)` records, by Python's audit events, every attempt of the process to open a file
elsewhere, to start a program, to reach the network, or to read pickles or byte code. Python has no
way to take such a hook away, so processes that are watched end with the test.
"""

import os
import resource
import sys
import sysconfig
from pathlib import Path

MOST_MEMORY = 512 << 20

_NEVER = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.kill",
    "os.putenv",
    "os.chown",
    "os.link",
    "os.symlink",
    "subprocess.Popen",
    "pty.spawn",
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "urllib.Request",
    "pickle.find_class",
    "webbrowser.open",
    "ctypes.dlopen",
)
_OF_PATHS = ("open", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod")

# Modules of Python and of the package, which are imported when they are first needed.
_CODE = tuple(
    os.path.realpath(path)
    for path in {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix}
    if os.path.isabs(path)
) + (str(Path(__file__).resolve().parents[3]),)
_SYSTEM = (
    f"/proc/{os.getpid()}/",
    "/sys/devices/system/cpu",
    "/etc/localtime",
    "/usr/share/zoneinfo",
)


def watch(folder):
    """Record what the process does outside of a folder.

    Args:
        folder: where it may read and write.

    Returns:
        A list that grows by a line for each thing that it must not do.
    """
    seen = []
    allowed = os.path.realpath(folder)
    os.chdir(allowed)  # `shutil.rmtree` removes by names below an open folder

    def hook(event, arguments):
        if event in _NEVER:
            seen.append(f"{event} {arguments!r:.300}")
        elif event == "marshal.loads" and not _is_importing():
            seen.append(event)
        elif event in _OF_PATHS:
            writes = event != "open" or _is_writing(arguments)
            for path in arguments[: 2 if event == "os.rename" else 1]:
                if isinstance(path, (str, bytes, os.PathLike)):
                    _note(event, os.path.realpath(os.fsdecode(path)), writes, allowed, seen)

    sys.addaudithook(hook)
    return seen


def _note(event, path, writes, allowed, seen):
    if path.startswith(allowed):
        return
    if not writes and path.startswith((*_CODE, *_SYSTEM)):
        return
    seen.append(f"{event} {path} {'for writing' if writes else ''}")


def _is_writing(arguments):
    _, mode, flags = arguments
    if isinstance(mode, str):
        return bool(set(mode) & set("wax+"))
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


def _is_importing():
    """Whether Python's import system is among the callers."""
    frame = sys._getframe(2)
    while frame is not None:
        if "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def limit_memory(most=MOST_MEMORY):
    """Let the process take so many bytes more than it has now, and fail beyond."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + most
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def unlimit_memory():
    """Take the limit away."""
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
