/** A text that grows by small pieces. Those are joined now and then, for each that stands alone takes many times its length. */
export interface GrowingText {
  readonly value: string
  add(piece: string): void
}

const piecesTogether = 256

export function createGrowingText(start = ''): GrowingText {
  let whole = start
  let pieces: string[] = []

  const join = () => {
    if (pieces.length === 0) return
    whole += pieces.join('')
    pieces = []
  }

  return {
    get value() {
      join()
      return whole
    },
    add(piece) {
      pieces.push(piece)
      if (pieces.length === piecesTogether) join()
    },
  }
}
