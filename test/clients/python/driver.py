"""Asks a client what the tests say, a line of JSON each, and tells what it answered.

    python driver.py MODULE ADDRESS VARIANT

MODULE has `open_client(address, variant)`. Its client has a method for each operation; `stream(ask, on_text, left)` calls
`on_text` with each piece, and leaves where `left()` is true. `describe(error)` tells of an error
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


def main(module, address, variant):
    client = importlib.import_module(module).open_client(address, variant)
    leaving = {}
    threads = []
    for line in sys.stdin:
        message = json.loads(line)
        identifier, operation = message["id"], message["op"]
        if operation == "leave":
            leaving[identifier].set()
            continue
        leaving[identifier] = threading.Event()
        arguments = (client, identifier, operation, message["args"], leaving[identifier])
        threads.append(threading.Thread(target=answer, args=arguments, daemon=True))
        threads[-1].start()


if __name__ == "__main__":
    main(*sys.argv[1:])
