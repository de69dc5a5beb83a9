"""Runs one Python program many times for one start of it: what it imports is imported once, and each command is run in a
child that begins where that ended. A line of input is {"args": [...], "env": {...}}, a line of output its status and words.

    many.py <entry file> <modules to import beforehand, by commas>
"""
import base64
import importlib
import json
import os
import runpy
import sys
import tempfile
import traceback

entry, modules = sys.argv[1], sys.argv[2]
before = dict(os.environ)


def prepare():
    for name in modules.split(","):
        importlib.import_module(name)


try:
    prepare()
except ImportError:  # the entry knows where its libraries are; run under this name it does no more than tell
    sys.path.insert(0, os.path.dirname(entry))
    runpy.run_path(entry, run_name="preparing")
    prepare()
prepared = {k: v for k, v in os.environ.items() if before.get(k) != v}  # some programs tell themselves things that way


def child(ask, out, err):
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    os.environ.clear()
    os.environ.update(ask["env"])
    os.environ.update(prepared)
    sys.argv = [entry] + ask["args"]
    code = 0
    try:
        runpy.run_path(entry, run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 120
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


for line in sys.stdin:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line), out, err)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        words = []
        for f in (out, err):
            f.seek(0)
            words.append(base64.b64encode(f.read()).decode())
        print(json.dumps({"status": status, "out": words[0], "err": words[1]}), flush=True)
