import type { Run } from '@lmapp/core/runs'
import { type FinishReason, LmappError, parseErrorData, type RunEnd, type RunEvent, type Warning } from 'lmapp-kit'
import { toModelHeaders } from '../http/model-headers.ts'
import type { Context } from '../routes/route.ts'
import { type Ask, clientOf, readWishes, toRunRequest } from './ask.ts'

/** What the settings of lmapp are called in a dialect's requests: `{ 'options.topP': 'top_p' }`. */
export type FieldNames = Readonly<Record<string, string>>

export interface AnswerOptions {
  fields: FieldNames
  /** What the dialect itself left out of the request, for people; told in `x-lmapp-warning`. */
  ignored?: readonly string[]
  /** The run goes on when the client leaves, as if it had asked for it. */
  detached?: boolean
  /**
   * Milliseconds after which a stream begins although nothing has arrived, so that nobody takes it for dead. Absent: it
   * waits for the first word.
   */
  patienceMs?: number
}

/** An answer whose first word is there, or that has ended. */
export interface Answer {
  readonly run: Run
  /** Of the answer: `x-lmapp-run`, `x-lmapp-backend`, `x-lmapp-model`, `x-lmapp-warning`. */
  readonly headers: Record<string, string>
  /** From the first, the end included, as many at a time as are there. To be read once. */
  batches(): AsyncGenerator<readonly RunEvent[]>
}

/** How an answer ended well, in the words that all dialects have one for. */
export type GoodEnd = Extract<FinishReason, 'stop' | 'length' | 'tool-calls' | 'content-filter'>

/**
 * Starts a run for what was asked, and resolves when its first word is there. A client that leaves cancels it, unless it
 * is detached. Throws what went wrong before the first word, and `unsupported` for what must not be left out.
 */
export async function openAnswer(context: Context, ask: Ask, options: AnswerOptions): Promise<Answer> {
  const { app, caller } = context
  const wishes = readWishes(context)
  const detached = wishes.detached || (options.detached ?? false)
  const isPrefilled = ask.messages.at(-1)?.role === 'assistant'
  const kept = wishes.kept && !isPrefilled
  const run = await (kept
    ? context.keeper.keep({ asker: clientOf(context), messages: ask.messages, model: ask.model }, (prompt) =>
        app.runs.start(toRunRequest(ask, context, { detached, prompt })),
      )
    : app.runs.start(toRunRequest(ask, context, { detached })))
  if (!detached) cancelOnDisconnect(run, context)
  const reading = createReading(run, caller.signal)
  const warnings = [...(options.ignored ?? [])]
  if (wishes.kept && isPrefilled) warnings.push('An answer whose beginning was given is not kept in the history.')
  let model = run.model
  for (const event of await reading.untilFirst(options.patienceMs)) {
    if (isWord(event)) break
    if (event.type === 'start') model = event.model
    if (event.type === 'handover') model = event.to
    if (event.type === 'warning') {
      await assertHonoured(event, run, options.fields)
      warnings.push(event.message)
    }
    if (event.type === 'end') throwEarlyEnd(event, run, options.fields)
  }
  return { run, headers: toHeaders(run.id, model, warnings), batches: reading.batches }
}

/** The reason of an end that is none to complain of; throws what was wrong with any other. */
export function toGoodEnd(end: RunEnd): GoodEnd {
  switch (end.state) {
    case 'complete':
      return end.reason === 'tool-calls' ? 'tool-calls' : 'stop'
    case 'length':
      return 'length'
    case 'stopped':
      throw new LmappError('cancelled', 'The answer was stopped before it was complete.', askAgain)
    case 'incomplete':
    case 'failed':
    case 'crashed':
      if (end.reason === 'content-filter') return 'content-filter'
      throw toBroken(end)
    default:
      return end.state satisfies never
  }
}

/** What the table advises is for people with a history; a program asks again. */
function toBroken({ error, state }: RunEnd): LmappError {
  if (!error) return new LmappError('stream-incomplete', 'The answer broke off before it was complete.', askAgain)
  const known = parseErrorData(error)
  return state === 'failed'
    ? known
    : new LmappError(known.code, known.message, { ...askAgain, details: { ...known.details } })
}

const askAgain = { hint: 'Ask again' }

function cancelOnDisconnect(run: Run, { app, response }: Context): void {
  const cancel = () => {
    if (!run.end) run.cancel().catch(app.onBug)
  }
  if (response.destroyed) cancel()
  else response.once('close', cancel)
}

/** What clients build on when they ask for it: without it their request was not answered. */
const indispensable: ReadonlySet<string> = new Set(['options.logprobs', 'tools', 'toolChoice'])

function isIndispensable({ setting = '' }: Warning): boolean {
  return indispensable.has(setting)
}

async function assertHonoured(warning: Warning, run: Run, fields: FieldNames): Promise<void> {
  if (!isIndispensable(warning)) return
  const { setting = '', message } = warning
  await run.cancel()
  throw new LmappError('unsupported', message, {
    hint: 'Leave it out, or choose a model that can: GET /v1/models',
    details: { field: fields[setting] ?? setting, model: run.model },
  })
}

/** An end without a word: unless it is a good one, the status of the answer says so. */
function throwEarlyEnd(end: RunEnd, run: Run, fields: FieldNames): void {
  try {
    toGoodEnd(end)
  } catch (error) {
    if (error instanceof LmappError) throw withModel(withField(error, fields), run)
    throw error
  }
}

/** Says where the images are that a model cannot see. */
function withField(error: LmappError, { images }: FieldNames): LmappError {
  const { code, message, hint, details, cause } = error
  if (code !== 'unsupported' || details?.capability !== 'vision' || images === undefined) return error
  return new LmappError(code, `"${images}" has an image, and ${message}`, {
    hint,
    details: { ...details, field: images },
    cause,
  })
}

function withModel({ code, message, hint, details, cause }: LmappError, { model, id }: Run): LmappError {
  return new LmappError(code, message, { hint, details: { ...details, model, run: id }, cause })
}

/** `model`: who said the first word; another one may go on. */
function toHeaders(run: string, model: string, warnings: readonly string[]): Record<string, string> {
  return { 'x-lmapp-run': run, ...toModelHeaders(model, warnings) }
}

interface Reading {
  /** What came until there was a word or the end, or until patience ended; `batches` brings it again. */
  untilFirst(patienceMs: number | undefined): Promise<RunEvent[]>
  batches(): AsyncGenerator<readonly RunEvent[]>
}

function createReading(run: Run, signal: AbortSignal): Reading {
  const source = toEvents(run, signal)
  const seen: RunEvent[] = []
  let pending: Promise<IteratorResult<readonly RunEvent[]>> | undefined
  return {
    async untilFirst(patienceMs) {
      using late = createTimer(patienceMs)
      for (;;) {
        pending ??= source.next()
        const result = await (late ? Promise.race([pending, late.over]) : pending)
        if (result === undefined) return seen
        pending = undefined
        if (result.done) return seen
        seen.push(...result.value)
        if (result.value.some(isDecisive)) return seen
      }
    },
    async *batches() {
      if (seen.length > 0) yield seen
      if (pending) {
        const result = await pending
        if (!result.done) yield result.value
      }
      yield* source
    },
  }
}

/** All that is there at a time. Ends with `end`, also where the reader came too late for anything else. */
async function* toEvents(run: Run, signal: AbortSignal): AsyncGenerator<readonly RunEvent[]> {
  for await (const batch of run.batches({ from: 0, signal })) {
    const events: RunEvent[] = []
    for (const { event } of batch) if (event.type !== 'snapshot') events.push(event)
    yield events
  }
}

/** With it the answer has begun. */
function isWord({ type }: RunEvent): boolean {
  return type === 'text-delta' || type === 'reasoning-delta' || type === 'tool-call'
}

function isDecisive(event: RunEvent): boolean {
  return isWord(event) || event.type === 'end' || (event.type === 'warning' && isIndispensable(event))
}

function createTimer(milliseconds: number | undefined): ({ over: Promise<undefined> } & Disposable) | undefined {
  if (milliseconds === undefined) return undefined
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, milliseconds, undefined)
  return { over: promise, [Symbol.dispose]: () => clearTimeout(timer) }
}
