const piecesTogether = 256

/** A text that grows by small pieces. Those are joined now and then, for each that stands alone takes many times its length. */
export class GrowingText {
  #whole: string
  #pieces: string[] = []

  constructor(start = '') {
    this.#whole = start
  }

  get value(): string {
    this.#join()
    return this.#whole
  }

  add(piece: string): void {
    this.#pieces.push(piece)
    if (this.#pieces.length === piecesTogether) this.#join()
  }

  #join(): void {
    if (this.#pieces.length === 0) return
    this.#whole += this.#pieces.join('')
    this.#pieces = []
  }
}
