import { isLmappError, LmappError } from 'lmapp-kit'
import { nonEmptyString, type Parser } from '../parse/fields.ts'

/** A model reference of lmapp. */
export const modelName: Parser<string> = nonEmptyString

/**
 * Asks by the name that a client gave. Clients add `:latest` to names of models that have no tags: what is not found with it
 * is asked for without it. Throws `model-not-found` in the words that Ollama's clients look for.
 */
export async function withModel<T>(name: string, ask: (ref: string) => Promise<T>): Promise<T> {
  const bare = withoutLatest(name)
  try {
    return await ask(name)
  } catch (error) {
    if (!isLmappError(error, 'model-not-found')) throw error
    if (bare === name) throw toNotFound(name, error)
  }
  try {
    return await ask(bare)
  } catch (error) {
    throw isLmappError(error, 'model-not-found') ? toNotFound(name, error) : error
  }
}

/** For Ollama the same name. */
export function withoutLatest(name: string): string {
  return name.replace(/(?<=.):latest$/, '')
}

/** Its command line fetches at 404, and looks for "not found". */
function toNotFound(name: string, { hint, details, cause }: LmappError): LmappError {
  const known = Array.isArray(details?.known) ? details.known.filter((each) => typeof each === 'string') : []
  const nearest = known.length > 0 ? `. The nearest: ${known.slice(0, mostNearest).join(', ')}.` : ''
  return new LmappError('model-not-found', `model '${name}' not found${nearest}`, {
    hint,
    details: { ...details, name },
    cause,
  })
}

const mostNearest = 5
