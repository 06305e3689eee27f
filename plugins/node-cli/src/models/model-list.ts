import { LmappError, untilAborted } from 'lmapp-kit'

/** The names that a command prints, asked for when they are needed. */
export interface ModelList {
  /** At once where they are known, however old; what is old is then asked for anew. Throws what the first try throws. */
  names(signal?: AbortSignal): Promise<readonly string[]>
  /** As the command says it now. */
  refresh(signal?: AbortSignal): Promise<readonly string[]>
}

export interface ModelListOptions {
  load(): Promise<readonly string[]>
  onChange(): void
  /** That a list could not be had anew; the old one stays. */
  onFailure(error: unknown): void
  /** Milliseconds for which a list is not old. */
  freshMs?: number
  now?: () => number
}

/** Asks for nothing yet. */
export function createModelList(options: ModelListOptions): ModelList {
  const { freshMs = 60_000, now = Date.now } = options
  let known: readonly string[] | undefined
  let knownAt = 0
  let loading: Promise<readonly string[]> | undefined

  async function load(): Promise<readonly string[]> {
    const names = await options.load()
    const before = known
    known = names
    knownAt = now()
    if (before && !isSame(before, names)) options.onChange()
    return names
  }

  /** Several who ask share one answer; it is got also when they no longer wait. */
  function refresh(signal?: AbortSignal): Promise<readonly string[]> {
    loading ??= load().finally(() => {
      loading = undefined
    })
    loading.catch(() => {})
    return untilAborted(loading, signal)
  }

  return {
    refresh,
    async names(signal) {
      if (known === undefined) return await refresh(signal)
      if (now() - knownAt >= freshMs) {
        // Also after a failure it is asked again only when it is old again.
        knownAt = now()
        refresh().catch(options.onFailure)
      }
      return known
    },
  }
}

function isSame(before: readonly string[], after: readonly string[]): boolean {
  return before.length === after.length && before.every((name, at) => name === after[at])
}

/** A JSON array of names, or a name on each line, or what `pattern` finds in a line; each name once. */
export function parseModelNames(text: string, pattern?: RegExp): string[] {
  const names = text.trimStart().startsWith('[') && !pattern ? parseArray(text) : text.split('\n')
  const found = names.map((name) => (pattern ? pattern.exec(name)?.[1] : name)?.trim() ?? '')
  return [...new Set(found.filter((name) => name !== ''))]
}

function parseArray(text: string): string[] {
  const value = parseJson(text)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new LmappError('engine-failed', '"modelsCommand" printed what is no JSON array of names.', {
    hint: 'Let it print a name on each line, or correct it under backends.<id>.config: lmapp config edit',
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
