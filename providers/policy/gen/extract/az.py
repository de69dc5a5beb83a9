"""Writes the grammar of the installed az CLI as JSON lines. Runs under the CLI's own Python; makes no request."""
import importlib
import inspect
import json
import os
import re
import sys

os.environ.setdefault("AZURE_CORE_COLLECT_TELEMETRY", "0")
os.environ["AZURE_EXTENSION_USE_DYNAMIC_INSTALL"] = "no"

import yaml  # noqa: E402
from azure.cli import command_modules  # noqa: E402
from azure.cli.core import get_default_cli  # noqa: E402
from knack.help_files import helps  # noqa: E402

GLOBAL = {"--subscription", "--output", "-o", "--query", "--only-show-errors", "--verbose", "--debug", "--help", "-h", "--defer",
          "--acquire-policy-token", "--change-reference"}
FLAG = re.compile(r"--[a-z][a-z0-9-]+|-[a-zA-Z]")
FILE_TYPE = re.compile(r"file_type|validate_file_or_dict")
FILE_HELP = re.compile(r"local path|file ?path (to|for) a|file ?path specified|the file ?path to|path to a (json |yaml |pem )?file (with|contain)|(json|yaml|pem) file ?(name|path)", re.I)
METHOD = re.compile(r'"(GET|PUT|PATCH|DELETE|POST|HEAD)"')


def opens(options):
    """Whether az, or the function behind the command, opens the value as a file of its machine."""
    named = " ".join(str(getattr(options.get(o), "__qualname__", type(options.get(o)).__name__)) for o in ("type", "completer"))
    text = str(options.get("help") or "")
    completes = "FilesCompleter" in named and "@" not in text  # what is read only behind an @ is seen by its @
    return bool(completes or FILE_TYPE.search(named) or FILE_HELP.search(text))


def kind(options):
    action = str(options.get("action", ""))
    if action in ("store_true", "store_false", "store_const") or options.get("nargs") == 0:
        return "b"
    read = "r" if opens(options) else ""
    if options.get("nargs") in ("+", "*", "?") or isinstance(options.get("nargs"), int):
        return "l" + read
    return "v" + read


def names(arg):
    out = []
    for o in arg.options_list or []:
        target = getattr(o, "target", o)
        out.append(str(target))
    return out


def http(command):
    """The HTTP verb of a command that is generated from an API description."""
    handler = getattr(command, "AZ_NAME", None) and type(command)
    try:
        source = inspect.getsource(handler) if handler else ""
    except (OSError, TypeError):
        return ""
    found = set(METHOD.findall(source))
    for verb in ("DELETE", "PUT", "PATCH", "POST", "GET"):
        if verb in found:
            return verb
    return ""


def emit(name, command):
    flags, args = [], []
    for arg in command.arguments.values():
        options = arg.type.settings
        listed = names(arg)
        if not listed:
            many = options.get("nargs") in ("+", "*")
            args.append([str(arg.name), "*" if many else "1"])
            continue
        own = [n for n in listed if n not in GLOBAL]
        if own:
            flags.append([own, kind(options)])
    evidence = {}
    if command.confirmation:
        evidence["ask"] = True
    verb = http(command)
    if verb and verb != "POST":
        evidence["http"] = verb
    print(json.dumps({"p": "az " + name, "f": flags, "a": args, "e": evidence}, separators=(",", ":")))


def load(cli):
    """Loads every command and its arguments; a command whose libraries are missing keeps its stored source."""
    cli.invocation = cli.invocation_cls(cli_ctx=cli, commands_loader_cls=cli.commands_loader_cls, parser_cls=cli.parser_cls, help_cls=cli.help_cls)
    loader = cli.invocation.commands_loader
    loader.skip_applicability = True
    loader.load_command_table(None)
    for loaders in loader.cmd_to_loader_map.values():
        for one in loaders:
            one.skip_applicability = True
    table = {}
    for name in sorted(loader.command_table):
        try:
            loader.command_name = name
            loader.load_arguments(name)
            command = loader.command_table[name]
            command.load_arguments() if not command.arguments else None
            table[name] = command
        except BaseException as err:
            print(f"skip {name}: {err}", file=sys.stderr)
    return table


def helped(name):
    """The flags that the CLI's own help names or uses in its examples, for commands whose libraries are missing."""
    entry = yaml.safe_load(helps.get(name, "") or "") or {}
    kinds = {}
    for parameter in entry.get("parameters") or []:
        for word in str(parameter.get("name", "")).split():
            if word.startswith("-"):
                kinds[word] = "l"
    for example in entry.get("examples") or []:
        for line in str(example.get("text", example.get("crafted", ""))).replace("\\\n", " ").splitlines():
            words = line.split()
            if words[: len(name.split()) + 1] != ["az"] + name.split():
                continue
            for i, word in enumerate(words):
                flag = word.partition("=")[0]
                if not FLAG.fullmatch(flag):
                    continue
                valued = "=" in word or i + 1 < len(words) and not FLAG.fullmatch(words[i + 1].partition("=")[0])
                kinds[flag] = "l" if valued or kinds.get(flag) == "l" else "b"
    return [[[flag], k] for flag, k in sorted(kinds.items()) if flag not in GLOBAL]


def skipped(loaded):
    for module in sorted(os.listdir(os.path.dirname(command_modules.__file__))):
        try:
            importlib.import_module(f"azure.cli.command_modules.{module}._help")
        except Exception:
            continue
    for name in sorted(helps):
        if name not in loaded and helped(name):
            print(json.dumps({"p": "az " + name, "f": helped(name), "a": [], "e": {}}, separators=(",", ":")))


def main():
    table = load(get_default_cli())
    for name, command in table.items():
        try:
            emit(name, command)
        except Exception as err:
            print(f"skip {name}: {err}", file=sys.stderr)
    skipped(set(table))


main()
