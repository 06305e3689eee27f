import type { ErrorCode } from 'lmapp-kit'

type Labels = Record<'backend' | 'model', string>

/** So many are told apart: what Prometheus was told of once is kept for good, and a request may name what it likes. */
const mostModels = 500
const longestName = 200

/** Errors that say that there is no such model, or nobody to ask. */
const isNowhere: ReadonlySet<ErrorCode> = new Set([
  'model-not-found',
  'model-ambiguous',
  'no-backend',
  'bad-input',
  'offline',
  'download-failed',
])

const unknown: Labels = { backend: 'unknown', model: 'unknown' }

/** Names models as far as they are: those that only requests knew, and those that are too many, are one `unknown`. */
export function createModelLabels(): (asked: Labels, code?: ErrorCode) => Labels {
  const known = new Set<string>()
  return ({ backend, model }, code) => {
    const name = `${backend}/${model}`
    if (known.has(name)) return { backend, model }
    const isNew = name.length <= longestName && known.size < mostModels && !(code && isNowhere.has(code))
    if (!isNew) return unknown
    known.add(name)
    return { backend, model }
  }
}
