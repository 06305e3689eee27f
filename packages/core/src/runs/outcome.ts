import { type Finish, LmappError, type RunEnd, type Usage } from 'lmapp-kit'

/** How it went, before it is stored. */
export type Outcome = Omit<RunEnd, 'type'>

export interface Failure {
  /** `backend/model` */
  reference: string
  error: LmappError
}

/** What the answer holds when it ends. */
export interface Written {
  model: string
  text: string
  callsTools: boolean
}

export function toFinished(finish: Finish, written: Written, timings: RunEnd['timings']): Outcome {
  const common = { reason: finish.reason, usage: finish.usage, timings }
  switch (finish.reason) {
    case 'stop':
    case 'tool-calls':
      if (written.text.trim() !== '' || written.callsTools) return { state: 'complete', ...common }
      return { state: 'failed', ...common, error: empty(written.model).toData() }
    case 'length':
      return { state: 'length', ...common }
    case 'cancelled':
      return { state: 'stopped', ...common }
    case 'content-filter':
    case 'other':
      return { state: 'incomplete', ...common, error: withheld(finish.reason, written.model).toData() }
    default:
      return finish.reason satisfies never
  }
}

function empty(model: string): LmappError {
  return new LmappError('answer-empty', `${model} ended its answer without a word.`)
}

function withheld(reason: 'content-filter' | 'other', model: string): LmappError {
  if (reason === 'content-filter')
    return new LmappError('content-filtered', `${model} withheld the rest of the answer.`)
  return new LmappError('stream-incomplete', `${model} ended the answer early and did not say why.`)
}

/** `delivered`: text of this run has left the service. */
export function toFailed(
  failures: readonly Failure[],
  written: Written & { delivered: boolean },
  timings: RunEnd['timings'],
): Outcome {
  const common = { usage: {} as Usage, timings }
  const [first] = failures
  if (!first) {
    const none = new LmappError('no-backend', 'No backend is left that could go on.')
    return { state: 'failed', ...common, error: none.toData() }
  }
  if (written.delivered) {
    const error = withOthers(toMidAnswer(first.error), failures)
    return { state: 'incomplete', ...common, error: error.toData() }
  }
  const state = written.text === '' ? 'failed' : 'incomplete'
  return { state, ...common, error: summarise(first, failures).toData() }
}

const endsAnswers = new Set([7, 8, 11, 130])

/** A failure that came after text is that of an incomplete answer, whatever its cause is called. */
function toMidAnswer(error: LmappError): LmappError {
  if (endsAnswers.has(error.entry.exit)) return error
  return new LmappError('stream-incomplete', error.message, {
    details: { ...error.details, code: error.code },
    cause: error,
  })
}

function summarise(first: Failure, failures: readonly Failure[]): LmappError {
  if (failures.length === 1) return first.error
  const agree = failures.every(({ error }) => error.code === first.error.code) && !first.error.entry.trips
  if (agree) return withOthers(first.error, failures)
  const lines = failures.map(({ reference, error }) => `${reference}: ${error.message}`)
  return new LmappError('candidates-failed', `All ${failures.length} candidates failed. ${lines.join(' ')}`, {
    details: toChain(failures),
  })
}

/** The first error, and what those said that were asked after it. */
function withOthers(first: LmappError, failures: readonly Failure[]): LmappError {
  const others = failures.slice(1)
  if (others.length === 0) return first
  const lines = others.map(({ reference, error }) => `${reference}: ${error.message}`)
  return new LmappError(first.code, `${first.message} Nor did another go on. ${lines.join(' ')}`, {
    hint: first.hint,
    details: { ...first.details, ...toChain(failures) },
    cause: first.cause,
  })
}

/** What each of them said, in the order in which they were asked. */
function toChain(failures: readonly Failure[]): { failures: object[] } {
  return { failures: failures.map(({ reference, error }) => ({ reference, ...error.toData() })) }
}
