import type { Random } from '../soak/random.ts'

/** What one attempt is made of: texts, so that a failing one can be shrunk, written down and used as a test. */
export type Input = readonly string[]

/** One parser or process under attack. */
export interface Target {
  name: string
  /** Of the whole time. */
  share: number
  /** How many are attacked side by side, where most of the time is waiting. */
  lanes?: number
  open(): Promise<OpenTarget>
}

export interface OpenTarget extends AsyncDisposable {
  create(random: Random): Input
  /** Throws when something is wrong. */
  check(input: Input): Promise<void> | void
}

/** What is wrong, in words; anything else that is thrown counts as well. */
export class Wrong extends Error {
  override readonly name = 'Wrong'
}

/** A text stands for bytes, a character each. */
export function toBytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

export function fromBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
