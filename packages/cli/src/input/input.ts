import { fstatSync } from 'node:fs'
import { isatty } from 'node:tty'

/** `file` also stands for devices such as `/dev/null`; `none`: it is closed. */
export type InputKind = 'terminal' | 'pipe' | 'file' | 'none'

/** stdin, before anything is read of it. */
export interface Input {
  readonly kind: InputKind
  /** Opened when it is first asked for: looking at `process.stdin` costs time and holds the process. */
  readonly stream: NodeJS.ReadStream
}

/** The process's own stdin. */
export function openInput(): Input {
  return {
    kind: kindOf(0),
    get stream() {
      return process.stdin
    },
  }
}

export function kindOf(descriptor: number): InputKind {
  if (isatty(descriptor)) return 'terminal'
  try {
    const stat = fstatSync(descriptor)
    return stat.isFIFO() || stat.isSocket() ? 'pipe' : 'file'
  } catch {
    return 'none'
  }
}
