import type { Store } from '../store/store.ts'

/** When each model last answered here, so that what people use comes first. */
export interface ModelUses {
  /** `ref`: `backend/model`. Called when an answer ended. */
  note(ref: string): Promise<void>
  /** ISO 8601, by `backend/model`. */
  all(): Promise<ReadonlyMap<string, string>>
}

const factKey = 'model-uses'
/** The oldest are forgotten. */
const mostRefs = 500

/** Kept in the store as one fact. There is one of these for a store: what it knows is read once. */
export function createModelUses(store: Pick<Store, 'getFact' | 'setFact'>, now: () => number = Date.now): ModelUses {
  let loading: Promise<Map<string, string>> | undefined
  const load = () => {
    loading ??= store.getFact(factKey).then(parseUses)
    loading.catch(() => (loading = undefined))
    return loading
  }
  let writing: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  /** What is noted while the store writes is written once, after it. */
  const write = (uses: ReadonlyMap<string, string>) => {
    next ??= writing.then(() => {
      next = undefined
      const written = store.setFact(factKey, JSON.stringify(Object.fromEntries(uses)))
      writing = written.catch(() => {})
      return written
    })
    return next
  }
  return {
    all: load,
    async note(ref) {
      const uses = await load()
      uses.delete(ref)
      uses.set(ref, new Date(now()).toISOString())
      for (const oldest of uses.keys()) if (uses.size > mostRefs) uses.delete(oldest)
      await write(uses)
    },
  }
}

/** What is no such fact counts as none. */
function parseUses(text: string | null): Map<string, string> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
    return new Map(entries.flatMap(([ref, at]) => (typeof at === 'string' ? [[ref, at] as const] : [])))
  } catch {
    return new Map()
  }
}
