"""Writes the grammar of the installed gcloud as JSON lines. Runs under the SDK's own Python; makes no request.

Every leaf of the command tree is loaded, hidden ones and the alpha, beta and preview tracks too. Flags are taken from the
parser that gcloud itself uses, so that groups, deprecated spellings and resource arguments are all there.
"""
import json
import os
import sys

os.environ["CLOUDSDK_CORE_DISABLE_PROMPTS"] = "1"
os.environ["CLOUDSDK_CORE_CHECK_GCE_METADATA"] = "0"
root = os.environ["AURORA_GCLOUD_ROOT"]
sys.path.insert(0, os.path.join(root, "lib"))
sys.path.insert(0, os.path.join(root, "lib", "third_party"))

import argparse  # noqa: E402

from googlecloudsdk import gcloud_main  # noqa: E402

GLOBAL = {
    "--project", "--format", "--quiet", "-q", "--user-output-enabled", "--no-user-output-enabled", "--verbosity", "--http-timeout",
    "--document", "--access-token-file", "--account", "--authority-selector", "--authorization-token-file", "--billing-project", "--configuration",
    "--credential-file-override", "--impersonate-service-account", "--universe-domain", "--flags-file", "--log-http", "--no-log-http",
    "--trace-token", "--trace-email", "--capture-session-file", "--help", "-h", "--version", "-v", "--flatten",
}


def kind(action):
    if action.nargs == 0:
        return "b"
    if action.nargs == "?":
        return "o"
    if action.nargs in ("+", "*"):
        return "l"
    return "v"


def emit(path, parser, evidence):
    flags, args = [], []
    for action in parser._actions:
        if not action.option_strings:
            if isinstance(action, argparse._SubParsersAction) or action.nargs == "A...":
                continue
            many = action.nargs in ("+", "*", "...") or action.nargs == argparse.REMAINDER
            args.append([str(action.metavar or action.dest), "*" if many else "1"])
            continue
        names = [n for n in action.option_strings if n not in GLOBAL]
        if names:
            flags.append([sorted(names, key=lambda n: (not n.startswith("--"), n)), kind(action)])
    print(json.dumps({"p": " ".join(path), "f": flags, "a": args, "e": evidence}, separators=(",", ":")))


def base(command):
    for cls in command._common_type.__mro__:
        if cls.__module__ == "googlecloudsdk.calliope.base" and cls.__name__ != "Command":
            return cls.__name__
    return ""


def walk(element, path):
    element.LoadAllSubElements(recursive=False, ignore_load_errors=True)
    for name, sub in sorted(element.groups.items()):
        walk(sub, path + [name.replace("_", "-")])
    for name, command in sorted(element.commands.items()):
        emit(path + [name.replace("_", "-")], command._parser, {"base": base(command)} if base(command) else {})


def main():
    cli = gcloud_main.CreateCLI([])
    walk(cli._TopElement(), ["gcloud"])


main()
