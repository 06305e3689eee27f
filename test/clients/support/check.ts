import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Client, ErrorTold, Subject } from './client.ts'
import type { Feature, Recorder } from './results.ts'

export type Check = (name: string, run: () => Promise<void>) => void

/** A case that is recorded. What is known not to work must not work. */
export function createCheck(feature: Feature, subject: Subject, recorder: Recorder): Check {
  return (name, run) => {
    const reason = subject.shortcomings?.[`${feature}: ${name}`]
    if (reason === undefined) it(name, () => record(feature, recorder, run))
    else {
      it(`${name}: the client cannot, ${reason}`, async () => {
        recorder.lacks(feature, reason)
        await assert.rejects(run(), 'It can: take it out of the shortcomings.')
      })
    }
  }
}

async function record(feature: Feature, recorder: Recorder, run: () => Promise<void>): Promise<void> {
  let passed = false
  try {
    await run()
    passed = true
  } finally {
    recorder.take(feature, passed)
  }
}

/** What the client tells of a request that must fail. */
export async function told(client: Client, asked: Promise<unknown> | undefined): Promise<ErrorTold> {
  let answer: unknown
  try {
    answer = await asked
  } catch (error) {
    return client.describeError(error)
  }
  assert.fail(`It was taken for a success: ${JSON.stringify(answer)}`)
}

/** `status`: this one, or for 500 any of that hundred; clients that know none of it are not asked. */
export function assertOwn(error: ErrorTold, { status, says }: { status?: number; says?: RegExp } = {}): void {
  assert.ok(error.own, `${error.name}: ${error.message}`)
  if (status === 500 && error.status !== undefined) assert.ok(error.status >= 500, `${error.status}: ${error.message}`)
  else if (status !== undefined && error.status !== undefined) assert.equal(error.status, status, error.message)
  if (says) assert.match(`${error.message} ${error.field ?? ''}`, says)
}
