"""Asks a client what the tests say, a line of JSON each, and tells what it answered.

    python driver.py ADDRESS

A question names a module, which has `open_client(address, variant)`, and for an SDK `open_client(address, variant, key)`. Its client
has a method for each operation; `stream(ask, on_text, left)` calls `on_text` with each piece, and leaves where `left()` is true. `describe(error)` tells of an error
`{own, name, status, message}`.
"""

import importlib
import json
import sys
import threading

stdout_lock = threading.Lock()
# What clients print for people is no answer.
stdout, sys.stdout = sys.stdout, sys.stderr


def reply(identifier, **fields):
    with stdout_lock:
        stdout.write(json.dumps({"id": identifier, **fields}) + "\n")
        stdout.flush()


def answer(client, identifier, operation, ask, leaving):
    try:
        if operation == "stream":
            result = client.stream(ask, lambda text: reply(identifier, text=text), leaving.is_set)
        else:
            result = getattr(client, operation)(ask)
        reply(identifier, result=result)
    except Exception as error:  # Whatever it is, the test judges it.
        reply(identifier, error=client.describe(error))


def main(address):
    clients, leaving = {}, {}
    for line in sys.stdin:
        message = json.loads(line)
        identifier, operation = message["id"], message["op"]
        if operation == "leave":
            leaving[identifier].set()
            continue
        which = message["module"], message["variant"], *([message["key"]] if "key" in message else [])
        if which not in clients:
            clients[which] = importlib.import_module(which[0]).open_client(address, *which[1:])
        leaving[identifier] = threading.Event()
        arguments = (clients[which], identifier, operation, message["args"], leaving[identifier])
        threading.Thread(target=answer, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
