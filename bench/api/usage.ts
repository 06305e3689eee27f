import { readdirSync, readFileSync } from 'node:fs'
import { pssOf } from '../measure.ts'

/** Of `/proc/<pid>/stat`: 100 a second on every Linux that Node runs on. */
const tickMs = 10

/** User and system time that a process and those it started have used so far, in milliseconds. */
export function cpuOfTree(pid: number): number {
  const ticks = treeOf(pid).map((one) => Number(one.fields[11]) + Number(one.fields[12]))
  return tickMs * ticks.reduce((sum, value) => sum + value, 0)
}

/** Proportional set size of a process and those it started, in MB. */
export function pssOfTree(pid: number): number {
  return treeOf(pid).reduce((sum, one) => sum + pssOf(one.pid), 0)
}

/** The first process that another one started, once it is there. */
export function childOf(parent: number): number | undefined {
  return readProcesses().find((one) => one.parent === parent)?.pid
}

interface Process {
  pid: number
  parent: number
  /** What follows the name of the program, from the state on. */
  fields: string[]
}

function treeOf(root: number): Process[] {
  const all = readProcesses()
  const tree = all.filter((one) => one.pid === root)
  for (const one of tree) tree.push(...all.filter((other) => other.parent === one.pid))
  return tree
}

function readProcesses(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    const text = readStat(name)
    // A program's name may hold spaces and brackets.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return text === '' ? [] : [{ pid: Number(name), parent: Number(fields[1]), fields }]
  })
}

/** Empty when the process has ended meanwhile. */
function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}
