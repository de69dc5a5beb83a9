"""Reads argvs as JSON lines and says how the aws CLI's own parser reads them. Makes no request."""
import contextlib
import io
import json
import sys

import awscli.clidriver

driver = awscli.clidriver.create_clidriver()
table = driver._get_command_table() if hasattr(driver, "_get_command_table") else driver.subcommand_table
top = driver._create_parser(table) if hasattr(driver, "_create_parser") else driver.create_parser(table)


def read(argv):
    parsed, rest = top.parse_known_args(argv[1:])
    command = table[parsed.command]
    path = ["aws", parsed.command]
    while not hasattr(command, "_operation_model"):
        below = command._get_command_table() if hasattr(command, "_get_command_table") else command.subcommand_table
        if not rest or rest[0] not in below:
            return {"path": " ".join(path), "left": [], "flags": None}
        path.append(rest[0])
        command, rest = below[rest[0]], rest[1:]
    parser = command._create_operation_parser(command.arg_table)
    parsed, left = parser.parse_known_args(rest)
    given = sorted("--" + k.replace("_", "-") for k, v in vars(parsed).items() if v is not None and k != "help")
    return {"path": " ".join(path), "left": left, "flags": given}


for line in sys.stdin:
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            answer = read(json.loads(line))
    except (SystemExit, Exception):
        answer = {"path": "", "left": [], "flags": None}
    print(json.dumps(answer))
