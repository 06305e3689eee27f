import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The id of conversations that were held without a terminal. */
export const withoutTerminal = 'none'

/**
 * This terminal, so that `continue` finds what was said here. A terminal that was closed and another that took its
 * name have different ids.
 */
export function terminalId(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (environment.LMAPP_TERMINAL) return `named:${environment.LMAPP_TERMINAL}`
  if (environment.TMUX_PANE) return `tmux:${tmuxServer(environment.TMUX)}${environment.TMUX_PANE}`
  if (environment.TERM_SESSION_ID) return `session:${environment.TERM_SESSION_ID}`
  if (environment.WT_SESSION) return `wt:${environment.WT_SESSION}`
  if (platform === 'win32') return withoutTerminal
  return (platform === 'linux' ? terminalFromProc() : terminalFromPs(process.pid)) ?? withoutTerminal
}

/** `TMUX` is socket, process id of the server, session; panes are counted anew by each server. */
function tmuxServer(tmux: string | undefined): string {
  const [socket, pid] = tmux?.split(',') ?? []
  return socket && pid ? `${socket},${pid}:` : ''
}

/** The controlling terminal and the start of its session leader, in ticks since the machine started. */
export function terminalFromProc(root = '/proc'): string | undefined {
  const own = readStat(`${root}/self/stat`)
  const [session, tty] = [own?.[3], own?.[4]]
  if (session === undefined || tty === undefined || tty === '0') return undefined
  return `tty:${tty}:${session}:${readStat(`${root}/${session}/stat`)?.[19] ?? ''}`
}

/** The fields after the name of the program, which may hold spaces and brackets. */
function readStat(path: string): string[] | undefined {
  try {
    const line = readFileSync(path, 'latin1')
    return line.slice(line.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Where there is no `/proc`: the terminal and the start of the oldest process on it. */
export function terminalFromPs(pid: number): string | undefined {
  try {
    const tty = ps(['-o', 'tty=', '-p', String(pid)]).trim()
    if (!/^[\w/]+$/.test(tty)) return undefined
    const [started] = ps(['-o', 'lstart=', '-t', tty]).split('\n')
    return `tty:${tty}:${started?.trim() ?? ''}`
  } catch {
    return undefined
  }
}

function ps(args: readonly string[]): string {
  return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}
