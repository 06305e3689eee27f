/**
 * A stream whose items come several at once may offer them so, under this symbol, as `chat` of a backend does whose engine
 * sends many tokens in one write: then only one step is paid for all of them. It is optional: every such stream is also read
 * one by one. Of the two ways one is used, once.
 */
export const batches: unique symbol = Symbol.for('lmapp.batches')

export interface Batched<T> extends AsyncIterable<T> {
  /** In order, none of them empty. Who leaves, leaves the stream. */
  [batches](): AsyncIterable<readonly T[]>
}

/** Nothing runs until someone reads. */
export function fromBatches<T>(source: AsyncIterable<readonly T[]>): Batched<T> {
  return new BatchStream(source)
}

class BatchStream<T> implements Batched<T> {
  readonly #source: AsyncIterable<readonly T[]>
  #items: AsyncGenerator<T, void, undefined> | undefined

  constructor(source: AsyncIterable<readonly T[]>) {
    this.#source = source
  }

  [Symbol.asyncIterator](): AsyncIterator<T, void, undefined> {
    this.#items ??= flatten(this.#source)
    return this.#items
  }

  [batches](): AsyncIterable<readonly T[]> {
    return this.#source
  }
}

/** What the stream offers, or each item alone. */
export function toBatches<T>(items: AsyncIterable<T>): AsyncIterable<readonly T[]> {
  return isBatched(items) ? items[batches]() : oneByOne(items)
}

async function* flatten<T>(source: AsyncIterable<readonly T[]>): AsyncGenerator<T, void, undefined> {
  for await (const batch of source) yield* batch
}

function isBatched<T>(items: AsyncIterable<T>): items is Batched<T> {
  return batches in items
}

async function* oneByOne<T>(items: AsyncIterable<T>): AsyncGenerator<readonly T[], void, undefined> {
  for await (const item of items) yield [item]
}
