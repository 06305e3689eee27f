import { type ErrorCode, LmappError } from 'lmapp-kit'
import type { ExitReport } from '../../processes/index.ts'

/** How far the work had come that an end of the process interrupts. */
export type Stage = 'start' | 'before-first-token' | 'after-first-token'

/** Why a process is of no more use. Every call that it interrupts gets an error of its own from it. */
export interface Failure {
  kind: 'died' | 'violation' | 'stopped'
  /** What happened, as a sentence about the backend. */
  message: string
  /** For `violation`: what was wrong with the line. */
  cause?: LmappError
  report: ExitReport
}

export function toError({ kind, message, cause, report }: Failure, stage: Stage): LmappError {
  const { exitCode, signal, stderr } = report
  return new LmappError(codes[kind][stage], message, {
    details: { ...cause?.details, exitCode, signal, stderr },
    ...(cause && { cause }),
  })
}

/** `name` as a person knows the backend. */
export function describeExit(name: string, { exitCode, signal, stderr }: ExitReport): string {
  const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`
  const lastWords = stderr.findLast((line) => line.trim() !== '')?.trim()
  return `The backend "${name}" ended (${how})${lastWords === undefined ? '' : `: ${lastWords}`}`
}

const codes: Record<Failure['kind'], Record<Stage, ErrorCode>> = {
  died: { start: 'backend-start-failed', 'before-first-token': 'engine-failed', 'after-first-token': 'engine-died' },
  violation: {
    start: 'protocol-violation',
    'before-first-token': 'protocol-violation',
    'after-first-token': 'stream-malformed',
  },
  stopped: {
    start: 'backend-stopped',
    'before-first-token': 'backend-stopped',
    'after-first-token': 'backend-stopped',
  },
}
