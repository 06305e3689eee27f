import assert from 'node:assert/strict'
import { type Result, type RunOptions, toEvents } from '../../support/home.ts'
import type { World } from './open-world.ts'

/** What a user sees of a failure. */
export interface Seen {
  /** Of the command; absent where none ran. */
  exit?: number | null
  /** Absent where only words are printed. */
  code?: string
  message: string
  hint: string
}

/** Brings one failure about, for real. */
export type Scenario = (world: World) => Promise<Seen>

type Asking = RunOptions & { more?: string[] }

/** Asks a model something, and reads the end of the answer. */
export async function ask({ home }: World, model: string, { more = [], ...options }: Asking = {}): Promise<Seen> {
  const { code, stdout, stderr } = await home.lmapp(['-m', model, '--json', ...more, 'Count.'], options)
  return toSeen(code, stdout, stderr)
}

/** Runs a command that reports with `--json`, and reads its last line. */
export async function report({ home }: World, args: string[], options: RunOptions = {}): Promise<Seen> {
  const { code, stdout, stderr } = await home.lmapp([...args, '--json'], options)
  return toSeen(code, stdout, stderr)
}

/** Runs a command that says in words what went wrong. */
export async function tell({ home }: World, args: string[], options: RunOptions = {}): Promise<Seen> {
  return toSaid(await home.lmapp(args, options))
}

/** What stands on stderr: the sentence, and what to do, below an error and behind a notice. */
export function toSaid({ code, stderr }: Pick<Result, 'code' | 'stderr'>): Seen {
  const [, message, hint] = /^lmapp: (.+?)(?:\n {2}| (?=Go on with it))(\S.*)$/m.exec(stderr) ?? []
  assert.ok(message !== undefined && hint !== undefined, stderr)
  return { exit: code, message, hint }
}

export function toSeen(exit: number | null, stdout: string, stderr: string): Seen {
  const { error } = toEvents(stdout).at(-1) ?? {}
  assert.ok(error, `${stdout}\n${stderr}`)
  return { exit, ...(error as Omit<Seen, 'exit'>) }
}
