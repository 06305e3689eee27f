import { type Finish, LmappError, type Usage } from 'lmapp-kit'
import type { Candidate } from '../routing/resolve.ts'
import { type AnswerCheck, toCorrection, withSchemaInstruction } from '../structured/index.ts'
import { supports } from './abilities.ts'
import { type Asking, type ExecuteOptions, type Progress, toReference } from './asking.ts'
import { createHeldAnswer } from './held-answer.ts'
import { tryCandidate } from './try-candidate.ts'

/** An answer of one candidate; `mismatch` when it ended well and is still not what was asked for. */
export type Answered = { finish: Finish; mismatch?: LmappError } | LmappError

export interface Wanted {
  schema: Record<string, unknown>
  check: AnswerCheck
}

/**
 * Asks for an answer that satisfies the schema. Its text leaves the service when it is known to be right, or when
 * nothing better will come: until then another candidate, or a second try, may begin anew.
 */
export async function answerStructured(
  candidate: Candidate,
  wanted: Wanted,
  options: ExecuteOptions,
  progress: Progress,
): Promise<Answered> {
  progress.held ??= createHeldAnswer()
  const asking = await toAsking(candidate, wanted, options)
  if (asking instanceof LmappError) return asking
  const first = await tryCandidate(candidate, options, progress, asking)
  const problem = problemOf(first, wanted, progress)
  if (problem === undefined) return release(first, wanted, options, progress)
  await options.emit({
    type: 'warning',
    code: 'other',
    message: `The first answer did not satisfy the schema (${problem}): it is asked once more.`,
  })
  const messages = [...(asking.messages ?? []), ...toCorrection(progress.held.text, problem)]
  const second = await tryCandidate(candidate, options, progress, { ...asking, messages })
  const merged = second instanceof LmappError ? second : withUsageOf(first, second)
  return release(merged, wanted, options, progress)
}

async function toAsking(
  candidate: Candidate,
  { schema }: Wanted,
  { plan, emit }: ExecuteOptions,
): Promise<Asking | LmappError> {
  const messages = withSchemaInstruction(plan.messages, schema)
  try {
    if ((await supports(candidate, 'json-schema')) !== 'no') return { messages, schema }
  } catch (error) {
    if (error instanceof LmappError) return error
    throw error
  }
  await emit({
    type: 'warning',
    code: 'unsupported-setting',
    setting: 'schema',
    message: `${toReference(candidate)} cannot be bound to a schema: it is asked for it, and its answer is checked.`,
  })
  return { messages }
}

function problemOf(result: Finish | LmappError, { check }: Wanted, { held }: Progress): string | undefined {
  if (result instanceof LmappError || result.reason !== 'stop') return undefined
  const checked = check.check(held?.text ?? '')
  return 'problem' in checked ? checked.problem : undefined
}

/** Hands out what was held: the JSON alone when it is right, else all that arrived. A failure keeps it back for the next candidate. */
async function release(
  result: Finish | LmappError,
  { check }: Wanted,
  options: ExecuteOptions,
  progress: Progress,
): Promise<Answered> {
  if (result instanceof LmappError) return result
  const text = progress.held?.text ?? ''
  if (result.reason !== 'stop') {
    await releaseHeld(options, progress)
    return { finish: result }
  }
  const checked = check.check(text)
  if ('json' in checked) {
    await options.emit({ type: 'text-delta', text: checked.json })
    progress.held?.clear()
    return { finish: result }
  }
  await releaseHeld(options, progress)
  const mismatch = new LmappError('schema-mismatch', `The answer does not satisfy the schema: ${checked.problem}.`, {
    details: { problem: checked.problem },
  })
  return { finish: result, mismatch }
}

/** What arrived is kept, whatever it is worth. */
export async function releaseHeld({ emit }: ExecuteOptions, { held }: Progress): Promise<void> {
  if (held && held.text !== '') await emit({ type: 'text-delta', text: held.text })
  held?.clear()
}

function withUsageOf(first: Finish | LmappError, second: Finish): Finish {
  if (first instanceof LmappError) return second
  const usage: Usage = { ...first.usage, ...second.usage }
  for (const name of ['inputTokens', 'outputTokens', 'cachedTokens', 'reasoningTokens'] as const) {
    const before = first.usage[name]
    if (before !== undefined) usage[name] = before + (second.usage[name] ?? 0)
  }
  return { ...second, usage }
}
