import type { Part } from 'lmapp-kit'

/** Parts as they come, several at once. Read by one who waits for each step before the next. */
type PartBatches = AsyncIterable<readonly Part[]>

/** What sets a chat up, and says so; it returns what goes on. */
export type PartSteps = AsyncGenerator<readonly Part[], PartBatches, undefined>

/**
 * Steps, and then what they return. Unlike `yield*` it adds nothing to what each batch of that costs: a chat is set up by
 * several functions, and streams long after.
 */
export function afterSteps(steps: PartSteps): PartBatches {
  let rest: AsyncIterator<readonly Part[]> | undefined
  const step = async (): Promise<IteratorResult<readonly Part[]>> => {
    const made = await steps.next()
    if (!made.done) return made
    rest = made.value[Symbol.asyncIterator]()
    return rest.next()
  }
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => rest?.next() ?? step(),
      async return() {
        await (rest ? rest.return?.() : steps.return(nothing))
        return { value: undefined, done: true }
      },
    }),
  }
}

/** Steps that come alone, and what they return. */
export async function* oneByOne<T>(
  steps: AsyncGenerator<Part, T, undefined>,
): AsyncGenerator<readonly Part[], T, undefined> {
  for (;;) {
    const { value, done } = await steps.next()
    if (done) return value
    yield [value]
  }
}

/** What `add` adds, also where it throws: then that is thrown after it. */
export function* partsBeforeFault(add: (parts: Part[]) => void): Generator<readonly Part[], void, undefined> {
  const parts: Part[] = []
  let fault: { error: unknown } | undefined
  try {
    add(parts)
  } catch (error) {
    fault = { error }
  }
  if (parts.length > 0) yield parts
  if (fault) throw fault.error
}

/** The same batches; what they fail with is told in other words. */
export function withErrors(source: PartBatches, inWords: (error: unknown) => Promise<unknown>): PartBatches {
  return {
    [Symbol.asyncIterator]() {
      const batches = source[Symbol.asyncIterator]()
      const fail = async (error: unknown): Promise<never> => {
        throw await inWords(error)
      }
      return {
        next: () => batches.next().catch(fail),
        async return() {
          await batches.return?.()
          return { value: undefined, done: true }
        },
      }
    },
  }
}

const nothing: PartBatches = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ value: undefined, done: true }) }),
}
