import { readFile } from 'node:fs/promises'

/** Program and arguments; empty when it is gone. */
export async function readCommandLine(pid: number): Promise<string> {
  return (await readProc(pid, 'cmdline')).split('\0').join(' ').trim()
}

/** With what it was started; a process may have changed its own meanwhile. */
export function readEnvironment(pid: number): Promise<string> {
  return readProc(pid, 'environ')
}

/** Gone, or ended and not yet waited for. */
export async function isDead(pid: number): Promise<boolean> {
  const [, state] = /^State:\s+(\S)/m.exec(await readProc(pid, 'status')) ?? []
  return state === undefined || state === 'Z' || state === 'X'
}

export async function describeProcess(pid: number): Promise<string> {
  return `${pid}: ${(await readCommandLine(pid)).slice(0, shownCharacters)}`
}

const shownCharacters = 120

async function readProc(pid: number, file: 'cmdline' | 'environ' | 'status'): Promise<string> {
  return await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
}
