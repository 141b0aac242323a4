"""Leaves a message for the next program: every place where one could lie, as a pair of programs.

`leave` writes it, `find` looks for it there. What `find` sees must be the same before and after.
"""

LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"

PLACES = {
    "the number of the next process": (
        "import os\ndef leave():\n    for _ in range(20):\n        if os.fork() == 0: os._exit(0)\n        os.wait()\n",
        "import os\ndef find():\n    return os.getpid()\n",
    ),
    "how many processes there ever were": (
        "import os\ndef leave():\n    for _ in range(20):\n        if os.fork() == 0: os._exit(0)\n        os.wait()\n",
        "import os\ndef find():\n    try: return os.fstat(os.pidfd_open(os.getpid())).st_ino\n"
        "    except OSError as error: return error.errno\n",
    ),
    "attributes of /tmp": (
        "import os\ndef leave():\n    os.setxattr('/tmp', 'user.left', b'x')\n",
        "import os\ndef find():\n    return os.listxattr('/tmp')\n",
    ),
    "times of /tmp": (
        "import os\ndef leave():\n    os.utime('/tmp', (1, 1))\n",
        "import os\ndef find():\n    return os.stat('/tmp').st_atime_ns == 10 ** 9\n",
    ),
    "mode of /tmp": (
        "import os\ndef leave():\n    os.chmod('/tmp', 0o700)\n",
        "import os\ndef find():\n    return os.stat('/tmp').st_mode\n",
    ),
    "the number of the next inode in /tmp": (
        "def leave():\n    for i in range(50): open(str(i), 'w').close()\n",
        "import os\ndef find():\n    open('f', 'w').close()\n    return os.stat('f').st_ino\n",
    ),
    "times of the null device": (
        "import os\ndef leave():\n    os.utime('/dev/null', (1, 1))\n",
        "import os\ndef find():\n    return os.stat('/dev/null').st_mtime_ns\n",
    ),
    "mode of the zero device": (
        "import os\ndef leave():\n    os.chmod('/dev/zero', 0o600)\n",
        "import os\ndef find():\n    return os.stat('/dev/zero').st_mode\n",
    ),
    "names in /dev": (
        "def leave():\n    open('/dev/left', 'w').close()\n",
        "import os\ndef find():\n    return sorted(os.listdir('/dev'))\n",
    ),
    "shared memory of System V": (
        LIBC + "def leave():\n    return libc.shmget(7, 4096, 0o1666)\n",
        LIBC + "def find():\n    return libc.shmget(7, 4096, 0)\n",
    ),
    "POSIX shared memory": (
        LIBC + "def leave():\n    return libc.shm_open(b'/left', 0o102, 0o666)\n",
        LIBC + "def find():\n    return libc.shm_open(b'/left', 0, 0)\n",
    ),
    "a message queue": (
        LIBC + "def leave():\n    return libc.mq_open(b'/left', 0o102, 0o666, None)\n",
        LIBC + "def find():\n    return libc.mq_open(b'/left', 0, 0, None)\n",
    ),
    "the kernel's keyrings": (
        LIBC + "def leave():\n    return libc.syscall(248, b'user', b'left', b'x', 1, -4)\n",
        LIBC + "def find():\n    return libc.syscall(249, b'user', b'left', None, -4)\n",
    ),
    "a bound abstract address": (
        "import os, socket, time\ndef leave():\n    s = socket.socket(socket.AF_UNIX)\n    s.bind('\\0left')\n"
        "    if os.fork() == 0:\n        os.setsid()\n        time.sleep(5)\n",
        "def find():\n    return 'left' in open('/proc/net/unix').read()\n",
    ),
    "a closed connection": (
        "import socket\ndef leave():\n    s = socket.create_server(('127.0.0.1', 5000))\n"
        "    c = socket.create_connection(('127.0.0.1', 5000))\n    s.accept()[0].close()\n    c.close()\n",
        "def find():\n    return open('/proc/net/tcp').read()\n",
    ),
    "counters of the network": (
        "import socket\ndef leave():\n    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    s.sendto(b'x', ('127.0.0.1', 9))\n",
        "def find():\n    return [open('/proc/net/' + name).read() for name in ('snmp', 'netstat', 'dev', 'sockstat')]\n",
    ),
    "watches on files": (
        LIBC + "def leave():\n    watch = libc.inotify_init()\n    return watch if watch < 0 else "
        "libc.inotify_add_watch(watch, b'/tmp', 2)\n",
        LIBC + "def find():\n    return libc.inotify_init() < 0\n",
    ),
    "the number of asynchronous requests": (
        LIBC + "def leave():\n    return libc.syscall(206, 1000, ctypes.byref(ctypes.c_ulong()))\n",
        "def find():\n    return open('/proc/sys/fs/aio-nr').read()\n",
    ),
    "the kernel's log": (
        "import ctypes, os\ndef leave():\n    if os.fork() == 0: ctypes.string_at(0x1234567)\n    os.wait()\n",
        LIBC + "def find():\n    text = ctypes.create_string_buffer(1 << 16)\n"
        "    return [libc.klogctl(3, text, 1 << 16), b'1234567' in text.raw]\n",
    ),
    "a lock on a file of the interpreter": (
        "import fcntl, os, time\ndef leave():\n    if os.fork() == 0:\n        os.setsid()\n"
        "        fcntl.flock(open(os.__file__), fcntl.LOCK_EX)\n        time.sleep(5)\n"
        "    time.sleep(0.1)\n",
        "import fcntl, os\ndef find():\n    try: fcntl.flock(open(os.__file__), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "    except OSError as error: return error.errno\n",
    ),
    "a record lock on a file of the interpreter": (
        "import fcntl, os, sys, time\ndef leave():\n    fcntl.lockf(open(os.__file__), fcntl.LOCK_SH)\n",
        "import fcntl, os\ndef find():\n    try: fcntl.lockf(open(os.__file__), fcntl.LOCK_SH | fcntl.LOCK_NB)\n"
        "    except OSError as error: return error.errno\n",
    ),
    "which pages of a file are in memory": (
        "import os\ndef leave():\n    os.posix_fadvise(os.open(os.__file__, 0), 0, 0, os.POSIX_FADV_DONTNEED)\n",
        "import os\ndef find():\n    try: os.preadv(os.open(os.__file__, 0), [bytearray(1)], 0, 8)\n"
        "    except OSError as error: return error.errno\n",
    ),
    "what the machine has counted": (
        "import os\ndef leave():\n    for _ in range(50):\n        if os.fork() == 0: os._exit(0)\n        os.wait()\n",
        "import os\ndef find():\n    return [os.path.exists('/proc/' + name) for name in ('stat', 'loadavg', 'sys')]\n",
    ),
    "the times that PID 1 has used": (
        "import time\ndef leave():\n    end = time.process_time() + 0.3\n    while time.process_time() < end: pass\n",
        "def find():\n    return open('/proc/1/stat').read().rsplit(')')[1].split()[11:15]\n",
    ),
    "files outside /tmp": (
        "import os, sys\ndef leave():\n    for path in (os.__file__, '/', '/harness', '/proc/1'):\n"
        "        try: os.utime(path, (1, 1))\n        except OSError: continue\n        return path\n    raise OSError\n",
        "import os\ndef find():\n    return [os.stat(path).st_mtime == 1 for path in (os.__file__, '/', '/harness')]\n",
    ),
}  # fmt: skip
