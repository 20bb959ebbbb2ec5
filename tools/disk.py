"""
Disk images of the guest, handled from outside: copies, files put in and taken out.

All access goes through debugfs and e2fsck, tools that judge the image by their own understanding of ext2. debugfs exits with 0
whatever happens, so every operation looks at its messages and then at the result in the image. Used by run.py and by the tests.
"""
import os
import re
import stat
import subprocess

# Administrators' folders are not on every user's PATH.
ENVIRONMENT = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin", LC_ALL="C")


class DiskError(Exception):
    """A sentence for the user."""


def copy(source, destination):
    """A sparse copy that appears under its name only when it is complete."""
    partial = f"{destination}.partial-{os.getpid()}"
    done = subprocess.run(["cp", "--sparse=always", "--reflink=auto", "--", source, partial], capture_output=True, text=True)
    if done.returncode:
        _remove(partial)
        raise DiskError(f"cannot copy {source} to {destination}: {done.stderr.strip()}")
    os.rename(partial, destination)


def status(image, guest):
    """(type, mode, bytes) of a guest path, e.g. ("regular", 0o755, 12); None if there is no such path."""
    out, errors = _debugfs(image, [f"stat {_quote(guest)}"])
    if "File not found" in errors:
        return None
    kind = re.search(r"Type: (\w+)\s+Mode:\s+(\d+)", out)
    size = re.search(r"Size: (\d+)", out)
    if not kind or not size:
        raise DiskError(f"cannot read {guest} in {image}: {errors or 'no ext2 file system'}")
    return kind.group(1), int(kind.group(2), 8), int(size.group(1))


def put(image, host, guest, mode=None):
    """Copies a host file into the image, replacing what is there, and makes missing folders."""
    try:
        information = os.stat(host)
    except OSError as error:
        raise DiskError(f"cannot read {host}: {error.strerror}")
    if not stat.S_ISREG(information.st_mode):
        raise DiskError(f"{host} is not a regular file")
    if not guest.startswith("/"):
        raise DiskError(f"the guest path {guest!r} does not begin with /")
    if guest.endswith("/") or (status(image, guest) or ("",))[0] == "directory":
        guest = guest.rstrip("/") + "/" + os.path.basename(host)
    if mode is None:
        mode = 0o755 if information.st_mode & 0o111 else 0o644
    folder, name = os.path.split(os.path.normpath(guest).replace("//", "/"))
    commands = _make_folders(image, folder)
    if status(image, guest):
        commands.append(f"rm {_quote(guest)}")
    commands += [f"cd {_quote(folder)}", f"write {_quote(os.path.abspath(host))} {_quote(name)}",
                 f"sif {_quote(name)} mode 0{stat.S_IFREG | mode:o}", f"sif {_quote(name)} uid 0", f"sif {_quote(name)} gid 0"]
    _, errors = _debugfs(image, commands, write=True)
    if status(image, guest) != ("regular", mode, information.st_size):
        raise DiskError(f"cannot put {host} into the image as {guest}: {errors or 'the result is wrong (disk full?)'}")


def get(image, guest, host):
    """Copies a regular file of the image to the host."""
    found = status(image, guest)
    if not found:
        raise DiskError(f"{guest} does not exist in the guest")
    if found[0] == "symlink":
        raise DiskError(f"{guest} is a symbolic link in the guest; links are not followed: name the file that it leads to")
    if found[0] != "regular":
        raise DiskError(f"{guest} is a {found[0]} in the guest, not a regular file")
    if os.path.isdir(host):
        host = os.path.join(host, os.path.basename(guest))
    try:
        open(host, "wb").close()
    except OSError as error:
        raise DiskError(f"cannot write {host}: {error.strerror}")
    _, errors = _debugfs(image, [f"dump {_quote(guest)} {_quote(os.path.abspath(host))}"])
    if os.path.getsize(host) != found[2]:
        raise DiskError(f"cannot read all of {guest} from the image: {errors}")


def read(image, guest):
    """The content of a small regular file as bytes; None if it is not there."""
    if not status(image, guest):
        return None
    return subprocess.run(["debugfs", "-R", f"cat {_quote(guest)}", image], capture_output=True, env=ENVIRONMENT).stdout


def check(image):
    """None if e2fsck finds nothing to say against the image, else its words."""
    done = subprocess.run(["e2fsck", "-f", "-n", image], capture_output=True, text=True, env=ENVIRONMENT)
    return None if done.returncode == 0 else (done.stdout + done.stderr).strip()


def _make_folders(image, folder):
    commands, path = [], ""
    for part in [part for part in folder.split("/") if part]:
        path += "/" + part
        found = status(image, path)
        if not found:
            commands.append(f"mkdir {_quote(path)}")
        elif found[0] not in ("directory", "symlink"):
            raise DiskError(f"{path} exists in the guest and is no directory")
    return commands


def _debugfs(image, commands, write=False):
    """Runs commands; returns (output, complaints). The first line that debugfs writes to stderr is its version."""
    done = subprocess.run(["debugfs", *(["-w"] if write else []), "-f", "-", image], input="\n".join(commands) + "\n",
                          capture_output=True, text=True, errors="surrogateescape", env=ENVIRONMENT)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("debugfs ") and "Allocated inode" not in line]
    return done.stdout, " ".join(complaints).strip()


def _quote(path):
    if '"' in path or "\n" in path:
        raise DiskError(f"debugfs cannot handle a quotation mark or a line break in {path!r}")
    return f'"{path}"'


def _remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
