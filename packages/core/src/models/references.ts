import { LmappError } from 'lmapp-kit'
import { isNear, nearestNames } from '../text/nearest.ts'

/** Candidates by alias, as in the configuration. */
export type Aliases = Readonly<Record<string, readonly string[]>>

/** One name behind a reference. Without `backend` it is a bare model name, to be looked up in the lists. */
export interface ParsedReference {
  backend: string | undefined
  model: string
}

export interface ParseReferenceOptions {
  aliases: Aliases
  backendIds: readonly string[]
}

/**
 * Expands aliases and splits off ids of backends, in order of preference; looks at no list of models.
 * Throws `bad-input` for an empty reference and `config-invalid` for aliases that lead back to themselves.
 */
export function parseReference(reference: string, options: ParseReferenceOptions): ParsedReference[] {
  return expandAliases(reference, options.aliases).map((name) => splitBackend(name, options.backendIds))
}

/** A backend with what it lists. An empty list also stands for one that does not answer now. */
export interface ListedBackend {
  id: string
  models: readonly string[]
  /** A name without a tag means `:latest`. */
  ollamaLike?: boolean
}

export interface ResolvedCandidate {
  backend: string
  model: string
}

export interface ResolvedReference {
  /** In order of preference, at least one, none twice. */
  candidates: ResolvedCandidate[]
  /** For the user, when a prefix was completed. */
  notice?: string
}

/** Throws `model-not-found`, `model-ambiguous`, and what `parseReference` throws. Never guesses by spelling. */
export function resolveReference(
  reference: string,
  options: { aliases: Aliases; backends: readonly ListedBackend[] },
): ResolvedReference {
  const { aliases, backends } = options
  const parsed = parseReference(reference, { aliases, backendIds: backends.map(({ id }) => id) })
  const outcomes = parsed.map((name) => resolveOne(name, backends))
  const found = outcomes.flatMap((outcome) => (outcome instanceof LmappError ? [] : [outcome]))
  if (found.length === 0) throw outcomes[0]
  const notices = found.flatMap(({ notice }) => notice ?? [])
  return {
    candidates: withoutRepeats(found.flatMap(({ candidates }) => candidates)),
    ...(notices.length > 0 && { notice: notices.join(' ') }),
  }
}

function expandAliases(reference: string, aliases: Aliases, path: readonly string[] = []): string[] {
  const name = reference.trim()
  if (name === '')
    throw new LmappError('bad-input', 'The model reference is empty.', { hint: 'See: lmapp models list' })
  const meant = Object.hasOwn(aliases, name) ? aliases[name] : undefined
  if (!meant) return [name]
  const trail = [...path, name]
  if (path.includes(name)) throw toCycle(trail)
  return [...new Set(meant.flatMap((next) => expandAliases(next, aliases, trail)))]
}

function toCycle(trail: readonly string[]): LmappError {
  const text = trail.map((name) => `"${name}"`).join(' → ')
  return new LmappError('config-invalid', `The alias leads back to itself: ${text}.`, { details: { aliases: trail } })
}

function splitBackend(name: string, backendIds: readonly string[]): ParsedReference {
  const slash = name.indexOf('/')
  const id = name.slice(0, slash)
  const model = name.slice(slash + 1)
  if (slash < 0 || model === '' || !backendIds.includes(id)) return { backend: undefined, model: name }
  return { backend: id, model }
}

function resolveOne(name: ParsedReference, backends: readonly ListedBackend[]): ResolvedReference | LmappError {
  const named = backends.find(({ id }) => id === name.backend)
  return named ? resolveOn(named, name.model) : resolveBare(name.model, backends)
}

function resolveOn(backend: ListedBackend, model: string): ResolvedReference | LmappError {
  const listed = backend.models.filter((known) => isSameName(backend, known, model))
  const names = backend.models.length === 0 ? [fullName(backend, model)] : listed
  if (names.length > 0) return { candidates: names.slice(0, 1).map((found) => ({ backend: backend.id, model: found })) }
  return toNotFound(model, shortNames(backend), (near) => `${backend.id}/${near}`, ` on "${backend.id}"`)
}

function resolveBare(name: string, backends: readonly ListedBackend[]): ResolvedReference | LmappError {
  const exact = candidatesWhere(backends, (backend, model) => isSameName(backend, model, name))
  if (exact.length > 0) return { candidates: exact }
  const own = resolveBackendId(name, backends)
  if (own) return own
  const begun = candidatesWhere(backends, (_, model) => model.startsWith(name))
  const names = [...new Set(backends.flatMap(shortNames))].filter((model) => model.startsWith(name))
  const [only, ...others] = names
  if (only !== undefined && others.length === 0)
    return { candidates: begun, notice: `"${name}" is taken as "${only}".` }
  if (only !== undefined) return toAmbiguous(name, names)
  return toNotFound(name, backends.flatMap(shortNames), (near) => near)
}

/** A backend's id alone means its only model. */
function resolveBackendId(
  name: string,
  backends: readonly ListedBackend[],
): ResolvedReference | LmappError | undefined {
  const backend = backends.find(({ id }) => id === name)
  if (!backend) return undefined
  if (backend.models.length > 1) {
    return toAmbiguous(
      name,
      backend.models.map((model) => `${name}/${model}`),
    )
  }
  return { candidates: [{ backend: name, model: backend.models[0] ?? name }] }
}

function candidatesWhere(
  backends: readonly ListedBackend[],
  matches: (backend: ListedBackend, model: string) => boolean,
): ResolvedCandidate[] {
  return backends.flatMap((backend) =>
    backend.models.filter((model) => matches(backend, model)).map((model) => ({ backend: backend.id, model })),
  )
}

function isSameName(backend: ListedBackend, one: string, other: string): boolean {
  return fullName(backend, one) === fullName(backend, other)
}

/** With Ollama a name without a tag means `:latest`; a port in front of a slash is no tag. */
function fullName(backend: ListedBackend, model: string): string {
  const hasTag = model.slice(model.lastIndexOf('/') + 1).includes(':')
  return backend.ollamaLike && !hasTag ? `${model}:latest` : model
}

/** What people call its models: with Ollama, `:latest` goes without saying. */
function shortNames(backend: ListedBackend): string[] {
  return backend.models.map((model) => (backend.ollamaLike ? model.replace(/:latest$/, '') : model))
}

function toAmbiguous(name: string, known: readonly string[]): LmappError {
  const shown = nearestNames(name, known, 8)
  const more = known.length > shown.length ? ` and ${known.length - shown.length} more` : ''
  return new LmappError('model-ambiguous', `"${name}" may mean several models: ${shown.join(', ')}${more}.`, {
    hint: 'Give more of the name: lmapp models list',
    details: { name, known: shown },
  })
}

function toNotFound(
  name: string,
  names: readonly string[],
  toReference: (name: string) => string,
  where = '',
): LmappError {
  const nearest = nearestNames(name, names, 5)
  const [first] = nearest
  const hint =
    first !== undefined && isNear(name, first)
      ? `Did you mean "${toReference(first)}"? See: lmapp models list`
      : 'See what is there: lmapp models list; fetch another: lmapp models pull NAME'
  const listed = nearest.length > 0 ? ` The nearest: ${nearest.map(toReference).join(', ')}.` : ''
  return new LmappError('model-not-found', `No model is called "${name}"${where}.${listed}`, {
    hint,
    details: { name, known: nearest.map(toReference) },
  })
}

function withoutRepeats(candidates: readonly ResolvedCandidate[]): ResolvedCandidate[] {
  const seen = new Set<string>()
  return candidates.filter(({ backend, model }) => {
    const key = `${backend}/${model}`
    return !seen.has(key) && seen.add(key)
  })
}
