import assert from 'node:assert/strict'
import { type ErrorCode, isLmappError, type LmappError } from 'lmapp-kit'
import type { FetchOptions, LibraryModel, ModelLibrary } from '../models.ts'

/** The model, and what was said on the way to it. */
export async function fetchAll(
  library: ModelLibrary,
  reference: string,
  options?: FetchOptions,
): Promise<{ model: LibraryModel; statuses: string[] }> {
  const statuses: string[] = []
  for await (const { status, done } of library.fetch(reference, options)) {
    statuses.push(status)
    if (done) return { model: done, statuses }
  }
  return assert.fail('it ended without the model')
}

export async function failure(run: Promise<unknown>, code: ErrorCode): Promise<LmappError> {
  const error = await run.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(isLmappError(error), String(error))
  assert.equal(error.code, code, error.message)
  return error
}
