"""Writes the grammar of the installed gcloud as JSON lines. Runs under the SDK's own Python; makes no request.

Every leaf of the command tree is loaded, hidden ones and the alpha, beta and preview tracks too. Flags are taken from the
parser that gcloud itself uses, so that groups, deprecated spellings and resource arguments are all there.
"""
import json
import os
import re
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


# What the parser's type for a value, or the flag's own help, says about values that gcloud opens as files of its machine.
FILE_TYPE = re.compile(r"File|Path|ExpandHome|ExpandLocal|IsWritable|ParseIngressPol|ParseEgressPol|ParseVersioned|ParseBasicLevel|ParseCustomLevel|Pem|ParseAspects")
FILE_HELP = re.compile(
    r"local (file|path|dir)|\*local\*|path to (a|the|your|an)? ?(\w+ )*((json|yaml|yml|toml|csv|cbor|pem|text|zip)\b|file|kubernetes manifest|cloud run manifest)"
    r"|path (of|for) (a |the )?(new )?(yaml|certificate|cert)|(the |a |one or more |name of the |describing )?\w*\b(yaml|json|xml|pem)\b[^.]{0,40}\bfiles?\b|\bfile path|filename of"
    r"|file (that )?contain|file with|file to (use|run)|pem[- ]encoded|requirements\.txt|private key|folder path|path where", re.I)
CLOUD_HELP = re.compile(r"cloud storage|gs://|hcfs uri|in the repository|resource path|key/value|list of label", re.I)
LOCAL_HELP = re.compile(r"local", re.I)
# Names whose help speaks of files that are elsewhere.
NO_FILE = re.compile(
    r"(bucket|location|encoding|format|class|labels?|password|slots|memory|period|bytes|(?<!file)-name|-version|profile|attributes|node|module|secrets|executable"
    r"|(lustre|parallelstore|cardinality)-path|kubeconfig)$")


def opens(action):
    """Whether gcloud opens the value as a file of the machine it runs on."""
    if action.nargs == 0 or getattr(action, "choices", None):
        return False
    reader = action.type
    if any(NO_FILE.search(n) for n in action.option_strings):
        return False
    named = f"{type(reader).__name__} {getattr(reader, '__qualname__', '')}" if reader is not None else ""
    if FILE_TYPE.search(named):
        return True
    text = re.sub(r"\s+", " ", action.help) if isinstance(action.help, str) else ""
    if CLOUD_HELP.search(text) and not LOCAL_HELP.search(text):
        return False
    return bool(FILE_HELP.search(text[:400]))


def kind(action):
    if action.nargs == 0:
        return "b"
    read = "r" if opens(action) else ""
    if action.nargs == "?":
        return "o" + read
    if action.nargs in ("+", "*"):
        return "l" + read
    return "v" + read


def emit(path, parser, evidence):
    flags, args = [], []
    for action in parser._actions:
        if not action.option_strings:
            if isinstance(action, argparse._SubParsersAction) or action.nargs == "A...":
                continue
            many = action.nargs in ("+", "*", "...") or action.nargs == argparse.REMAINDER
            args.append([str(action.metavar or action.dest), "*" if many else "1"] + (["r"] if opens(action) else []))
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
