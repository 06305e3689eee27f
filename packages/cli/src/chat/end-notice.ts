import { type ErrorData, errorTable, isErrorCode, type RunEnd } from 'lmapp-kit'

export interface EndNotice {
  kind: 'error' | 'notice'
  message: string
  hint: string
}

/** What is to be said of an answer that did not end complete. `kept`: it is in the history. */
export function endNotice(end: RunEnd, options: { kept: boolean; goOn: string }): EndNotice | undefined {
  const kept = options.kept ? '; what arrived is kept' : ''
  const hint = options.kept ? `Go on with it: ${options.goOn}` : ''
  switch (end.state) {
    case 'complete':
      return undefined
    case 'length': {
      const tokens = end.usage.outputTokens
      const limit = tokens === undefined ? '' : ` (${tokens} tokens)`
      return { kind: 'notice', message: `The answer was cut by the length limit${limit}.`, hint }
    }
    case 'stopped':
      return { kind: 'notice', message: `The answer was stopped${kept}.`, hint }
    case 'incomplete':
    case 'failed':
    case 'crashed':
      return { kind: 'error', ...(end.error ? saidByError(end.error) : saidByState(end, kept, hint)) }
    default:
      return end.state satisfies never
  }
}

/** The promise of `cli.md`; what the command itself stopped is not asked here. */
export function exitCodeOfEnd({ state, error }: RunEnd): number {
  if (state === 'complete') return 0
  if (state === 'length') return 10
  if (state === 'stopped' || !error || !isErrorCode(error.code)) return 7
  return errorTable[error.code].exit
}

function saidByError({ code, message, hint }: ErrorData): { message: string; hint: string } {
  return { message, hint: hint ?? (isErrorCode(code) ? errorTable[code].recovery : '') }
}

function saidByState({ state, reason }: RunEnd, kept: string, hint: string): { message: string; hint: string } {
  const why = reason && reason !== 'stop' ? ` (${reason})` : ''
  if (state === 'crashed') return { message: errorTable['run-crashed'].meaning, hint }
  if (state === 'incomplete') return { message: `The answer is incomplete${why}${kept}.`, hint }
  return { message: `No answer came${why}.`, hint: errorTable['no-backend'].recovery }
}
