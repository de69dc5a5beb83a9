"""Writes the grammar of the installed aws CLI as JSON lines. Runs under the CLI's own Python; makes no request."""
import json
import re
import sys

import awscli.clidriver
from awscli import paramfile

SECRET = re.compile(
    r"(password|passphrase|secret|privatekey|accesstoken|refreshtoken|idtoken|authtoken|bearertoken|sessiontoken|authorizationtoken"
    r"|jointoken|apikey$|sharedkey|credential|presignedurl|signedurl|securitytoken|keymaterial|plaintext|randompassword|devicetoken)", re.I)
NOT_SECRET = re.compile(
    r"(secretarn|secretname|secretid|secretsmanager|secretstore|secretstring?arn|passwordpolicy|passwordexpir|passwordlast|passwordreset|credentialstype"
    r"|credentialtype|credentialid|credentialarn|credentialsarn|credentialsparameter|credentialprovider|tokenurl|tokenendpoint|enabled$|version$"
    r"|status$|arn$|count$|date$|time$|type$|name$|length$|format$|policy$|required$|kmskeyid$|expiration$|report|reset|rotation|parameter|creator|scope$|location$|index$)", re.I)
ENV = re.compile(r"^(environment|environmentvariables|environmentmap|envvars|userdata|hyperparameters)$", re.I)


def members(shape, path, seen, out, depth=0):
    """Collects the paths of members that hold secrets."""
    if shape is None or depth > 7 or shape.name in seen:
        return
    seen = seen | {shape.name}
    if shape.type_name == "list":
        members(shape.member, path + "[]", seen, out, depth + 1)
    elif shape.type_name == "map":
        members(shape.value, path, seen, out, depth + 1)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            here = f"{path}.{name}" if path else name
            sensitive = bool(member.metadata.get("sensitive"))
            simple = member.type_name in ("string", "blob")
            named = SECRET.search(name) and not NOT_SECRET.search(name)
            if (simple and (named or sensitive and SECRET.search(name))) or (named and sensitive):
                out.append(here)
            elif ENV.match(name) and member.type_name in ("map", "list", "string", "structure", "blob"):
                if member.type_name != "structure" or "Variables" in member.members:
                    out.append(here)
            else:
                members(member, here, seen, out, depth + 1)


def kind(arg, context):
    model = getattr(arg, "argument_model", None)
    name = arg.cli_type_name if hasattr(arg, "cli_type_name") else "string"
    if name == "boolean" or getattr(arg, "_action", None) in ("store_true", "store_false"):
        return "b"
    k = "v"
    nargs = getattr(arg, "_nargs", None) or getattr(arg, "nargs", None)
    if name == "list" or nargs in ("+", "*") or (model is not None and model.type_name == "list"):
        k = "l"
    if context in paramfile.PARAMFILE_DISABLED or getattr(arg, "no_paramfile", None):
        k += "u"
    if model is not None and model.type_name == "blob" and model.serialization.get("streaming"):
        k += "r"  # the CLI opens the value as a file
    return k


def emit(path, table, evidence=None):
    flags, args = [], []
    service, _, operation = path.partition(" ")
    for name, arg in table.items():
        if name in ("cli-input-json", "cli-input-yaml", "generate-cli-skeleton"):
            continue
        if type(arg).__name__ == "StreamingOutputArgument" or getattr(arg, "positional_arg", False):
            many = getattr(arg, "_nargs", None) in ("+", "*") or name == "paths"
            args.append([name, "*" if many else "1"])
            continue
        k = kind(arg, f"{service}.{operation}.{name}")
        flags.append([["--" + name], k])
    line = {"p": "aws " + path, "f": flags, "a": args}
    if evidence:
        line["e"] = evidence
    print(json.dumps(line, separators=(",", ":")))


def custom(path, command):
    if hasattr(command, "_operation_model"):  # a waiter
        emit(path, command.arg_table, {"base": "waiter"})
        return
    if type(command).__name__ != "WaitCommand":
        emit(path, command.arg_table, None)
    for name, sub in sorted(command.subcommand_table.items()):
        if name != "help":
            custom(f"{path} {name}", sub)


def operation(path, command):
    model = command._operation_model
    found = []
    members(model.output_shape, "", frozenset(), found)
    evidence = {"http": model.http.get("method", ""), "base": model.name}
    if evidence["http"] == "POST" and model.service_model.metadata.get("protocol") in ("json", "query", "ec2"):
        del evidence["http"]
    if found:
        evidence["sec"] = sorted(set(found))[:40]
    emit(path, command.arg_table, evidence)


def service(name, command):
    try:
        table = command._get_command_table() if hasattr(command, "_get_command_table") else None
    except Exception as err:  # a service whose model does not load is left to the stored source
        print(f"skip {name}: {err}", file=sys.stderr)
        return
    if table is None:
        custom(name, command)
        return
    for sub_name, sub in sorted(table.items()):
        if sub_name == "help":
            continue
        if hasattr(sub, "_operation_model"):
            operation(f"{name} {sub_name}", sub)
        else:
            custom(f"{name} {sub_name}", sub)


def main():
    driver = awscli.clidriver.create_clidriver()
    table = driver._get_command_table() if hasattr(driver, "_get_command_table") else driver.subcommand_table
    for name, command in sorted(table.items()):
        if name != "help":
            service(name, command)


main()
