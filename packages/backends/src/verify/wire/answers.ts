import assert from 'node:assert/strict'
import type { ExitReport } from '../../processes/index.ts'
import { show } from './findings.ts'
import type { Answer, RpcProblem } from './rpc.ts'

/** The result, or a failed proof. */
export function resultOf(answer: Answer, what: string): unknown {
  if ('result' in answer) return answer.result
  return assert.fail(`${what} was answered with the error ${nameOf(answer.error)}: ${answer.error.message}`)
}

/** A failed proof unless it is this error. */
export function assertError(answer: Answer, code: string, what: string): void {
  if ('result' in answer) assert.fail(`${what} was answered with ${show(answer.result)}, where ${code} was due.`)
  const { error } = answer
  assert.equal(
    error.code,
    code,
    `${what} was answered with ${nameOf(error)} (${error.message}), where ${code} was due.`,
  )
}

/** What a request is rejected with when the process ends before it is answered. */
export function toEndError(method: string, { exitCode, signal, stderr }: ExitReport): Error {
  const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`
  const lastWords = stderr.findLast((line) => line.trim() !== '')?.trim()
  const words = lastWords === undefined ? '' : `: ${show(lastWords)}`
  return new Error(`The process ended (${how}) before "${method}" was answered${words}`)
}

function nameOf({ code }: RpcProblem): string {
  return code ?? 'of a code that nobody knows'
}
