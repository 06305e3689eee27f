"""Runs a program on a real terminal: what comes on stdin is typed, what the terminal shows goes to stdout.
The first argument is a JSON object: argv, rows, columns. A line "rows columns" on descriptor 3 makes the terminal
another size. Ends with the program's exit code."""
import fcntl, json, os, pty, select, struct, sys, termios

wanted = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.close(3)
    os.execvp(wanted["argv"][0], wanted["argv"])


def resize(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


resize(wanted["rows"], wanted["columns"])
sources = [terminal, 0, 3]
while True:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        typed = os.read(0, 65536)
        if typed:
            os.write(terminal, typed)
        else:
            sources.remove(0)
    if 3 in ready:
        line = os.read(3, 64)
        if line:
            resize(*map(int, line.split()))
        else:
            sources.remove(3)
    if terminal in ready:
        try:
            shown = os.read(terminal, 65536)
        except OSError:
            shown = b""
        if not shown:
            break
        os.write(1, shown)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
