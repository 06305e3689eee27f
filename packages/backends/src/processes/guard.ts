import type { ChildProcess, StdioOptions } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { windowsJobScript } from './windows-job.ts'

/** How a program is started so that it ends with us, whichever way we end. */
export interface Guarded {
  program: string
  args: string[]
  stdio: StdioOptions
  /** A group of its own, so that all of it can be ended at once. */
  detached: boolean
}

/** Descriptor of the guard on which it waits for our end. */
const lifeline = 3

/**
 * Starts the program in the background of a shell that holds one end of a pipe; the other is ours. Nobody writes into
 * it: when it ends, so did we, and the shell's whole group is killed. The engine has no such end, so that it cannot keep
 * the pipe open; the shell has none of the engine's streams, so that they end when the engine closes them. A program without a shebang that the kernel refuses runs by the shell itself, as POSIX wants it.
 */
const shellScript = `
exec 4<&0
"$@" <&4 3<&- 4<&- &
engine=$!
exec 4<&- </dev/null >/dev/null 2>&1
( trap '' HUP INT TERM; read -r _ <&3; kill -KILL 0 ) >/dev/null 2>&1 &
exec 3<&-
trap 'kill -TERM "$engine" 2>/dev/null' TERM
trap : HUP INT
while :; do
  wait "$engine"
  code=$?
  kill -0 "$engine" 2>/dev/null || exit "$code"
done`

export function toGuarded(program: string, args: readonly string[], platform: NodeJS.Platform): Guarded {
  if (platform === 'win32') {
    return { program, args: [...args], stdio: ['pipe', 'pipe', 'pipe'], detached: false }
  }
  return {
    program: '/bin/sh',
    args: ['-c', shellScript, 'sh', program, ...args],
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  }
}

/** The lifeline must not keep us alive, and ends when the child does. */
export function holdLifeline(child: ChildProcess): void {
  const end = child.stdio[lifeline] as Duplex | null | undefined
  if (!end) return
  end.on('error', () => {})
  if ('unref' in end && typeof end.unref === 'function') end.unref()
  child.once('exit', () => end.destroy())
}

/** Program and arguments of the process that, on Windows, holds the job object of the process with this id. */
export function toWindowsGuard(pid: number): { program: string; args: string[] } {
  const flags = ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command']
  return { program: 'powershell.exe', args: [...flags, windowsJobScript(pid)] }
}

/** As the shell tells it: a process that a signal ended has the code 128 + signal. */
export function toSignalNumber(exitCode: number | null): number | undefined {
  return exitCode !== null && exitCode > 128 && exitCode < 128 + 65 ? exitCode - 128 : undefined
}
