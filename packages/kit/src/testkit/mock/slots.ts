/** A place in the queue, and then among the active ones. */
export interface Place {
  /** Whether it has to wait for its turn. */
  readonly waiting: boolean
  /** Resolves when it is active. */
  readonly turn: Promise<void>
  /** Gives the place back, whether its turn had come or not. */
  leave(): void
}

/** So many at once; the rest wait in order. */
export class Slots {
  readonly #size: number
  /** In the order in which they came. The first `size` of them are active. */
  readonly #places = new Map<Place, () => void>()

  constructor(size: number) {
    this.#size = size
  }

  get active(): number {
    return Math.min(this.#places.size, this.#size)
  }

  get queued(): number {
    return this.#places.size - this.active
  }

  enter(): Place {
    const { promise, resolve } = Promise.withResolvers<void>()
    const place = { waiting: this.#places.size >= this.#size, turn: promise, leave: () => this.#leave(place) }
    this.#places.set(place, resolve)
    this.#call()
    return place
  }

  #leave(place: Place): void {
    this.#places.delete(place)
    this.#call()
  }

  #call(): void {
    for (const resolve of [...this.#places.values()].slice(0, this.#size)) resolve()
  }
}
