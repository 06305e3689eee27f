import { errorTable, isLmappError, LmappError } from 'lmapp-kit'
import type { RegisteredBackend } from '../backends/registry.ts'
import { nearestNames } from '../text/nearest.ts'

/**
 * A backend does not know its own id: its `model-not-found` gets the names by which a user calls the models, and a hint
 * that leads to its log names it.
 */
export function withReferences<T>(error: T, target: RegisteredBackend, model: string): T | LmappError {
  if (!isLmappError(error)) return error
  if (error.code !== 'model-not-found') return withLogOf(target.id, error)
  const nearest = nearestNames(model, textsIn(error.details?.known), 3).map((name) => `${target.id}/${name}`)
  const listed = nearest.length > 0 ? ` The nearest: ${nearest.join(', ')}.` : ''
  const [name = model] = textsIn([error.details?.name])
  const fetches = target.backend.pullModel !== undefined && !target.type.servesLibrary
  return new LmappError('model-not-found', `${error.message}${listed}`, {
    hint: fetches ? `Fetch it: lmapp models pull ${target.id}/${name}` : error.hint,
    details: { ...error.details, name },
    cause: error,
  })
}

function withLogOf(id: string, error: LmappError): LmappError {
  const { code, message, hint, details, cause } = error
  const own = hint.replace('backends logs NAME', `backends logs ${id}`)
  return own === hint ? error : new LmappError(code, message, { hint: own, ...(details && { details }), cause })
}

/** An engine that was to fetch a model does not find it either. What it says itself about that is kept. */
export function withNameCheck<T>(error: T, model: string): T | LmappError {
  if (!isLmappError(error, 'model-not-found') || error.hint !== errorTable['model-not-found'].recovery) return error
  const details = { ...error.details, name: model }
  return new LmappError('model-not-found', error.message, { hint: `Check the name: ${model}`, details, cause: error })
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
