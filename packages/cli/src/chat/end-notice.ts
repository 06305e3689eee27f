import { type ErrorData, errorTable, isErrorCode, type RunEnd } from 'lmapp-kit'

export interface EndNotice {
  kind: 'error' | 'notice'
  message: string
  hint: string
}

/** In place of a way to go on. */
export const unsavedHint = 'Ask again: nothing was saved'

/** Where nothing can go on with it, whether it was saved or not. */
const againHint = 'Ask again, with more room: -o max_tokens=N'

/** `kept`: it is in the history. `goOn`: what is typed to go on; absent: nobody can go on with such an answer. */
export interface WaysOn {
  kept: boolean
  goOn?: string
}

/** What is to be said of an answer that did not end complete. */
export function endNotice(end: RunEnd, options: WaysOn): EndNotice | undefined {
  const kept = options.kept ? '; what arrived is kept' : ''
  const way = options.goOn === undefined ? againHint : `Go on with it: ${options.goOn}`
  const hint = options.kept ? way : ''
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
      return { kind: 'error', ...(end.error ? saidByError(end.error, options) : saidByState(end, kept, hint)) }
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

/**
 * The table of errors does not know whether the answer was saved: where it was not, nothing can go on with it. Nor
 * does it know how that is said where the user is.
 */
export function saidByError(
  { code, message, hint }: ErrorData,
  { kept, goOn }: WaysOn,
): { message: string; hint: string } {
  const known = hint ?? (isErrorCode(code) ? errorTable[code].recovery : '')
  const command = /lmapp continue(?: [0-9a-f-]{8,})?/
  if (!command.test(known)) return { message, hint: goOn?.startsWith('/') ? toSlashCommands(known) : known }
  if (!kept) return { message, hint: unsavedHint }
  if (goOn === undefined) return { message, hint: againHint }
  return { message, hint: goOn.startsWith('/') ? known.replace(command, goOn) : known }
}

/** What is an option or a command outside is typed with a slash in the chat. */
function toSlashCommands(hint: string): string {
  return hint.replace(/-o (\w+)=(\w+)/g, '/set $1 $2').replace('lmapp models list', '/model')
}

function saidByState({ state, reason }: RunEnd, kept: string, hint: string): { message: string; hint: string } {
  const why = reason && reason !== 'stop' ? ` (${reason})` : ''
  if (state === 'crashed') return { message: errorTable['run-crashed'].meaning, hint: hint || unsavedHint }
  if (state === 'incomplete') return { message: `The answer is incomplete${why}${kept}.`, hint: hint || unsavedHint }
  return { message: `No answer came${why}.`, hint: errorTable['no-backend'].recovery }
}
