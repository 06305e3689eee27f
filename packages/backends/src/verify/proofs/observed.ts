import assert from 'node:assert/strict'
import type { Judge, Proof } from '../judge.ts'
import type { LineRequirementId } from '../requirements.ts'

const observed = [
  'wire.only-messages',
  'wire.utf8',
  'wire.line-length',
  'wire.schema',
  'wire.one-response',
  'wire.sequence',
  'wire.after-response',
  'wire.no-finish-part',
  'wire.no-empty-delta',
  'wire.whole-characters',
  'credit.obeyed',
] as const satisfies readonly LineRequirementId[]

type ObservedId = (typeof observed)[number]

/** They ask for nothing: whatever was said on any line of this run counts. */
export const observedProofs = Object.fromEntries(
  observed.map((id): [string, Proof] => [id, (judge) => assertSeenNowhere(judge, id)]),
) as Record<ObservedId, Proof>

/** The usual chats are asked in any case, so that there is something to see. */
export async function assertSeenNowhere(judge: Judge, id: LineRequirementId): Promise<void> {
  const chatting = judge.findings.of(id).length === 0 ? judge.usual() : Promise.resolve()
  const failed = await chatting.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  const [first, ...others] = judge.findings.of(id)
  assert.ok(first === undefined, `${first}${others.length === 0 ? '' : ` (and ${others.length} more)`}`)
  if (failed) throw failed.error
}
