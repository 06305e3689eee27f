import type { Key } from './keys/key.ts'
import type { Chip } from './text/chips.ts'

export type Input = Key | { readonly type: 'chip'; readonly chip: Chip }

/** What is typed while nobody reads, for the next one who does. */
export interface TypeAhead {
  add(input: Input): void
  /** Takes out all of it. */
  take(): Input[]
  /** An answer was stopped: what was typed into it stays, and is not sent by itself. */
  hold(): void
  /** What came before the terminal was in raw mode has line feeds for Enter. */
  releaseEarly(): void
}

const most = 10_000

export function createTypeAhead(): TypeAhead {
  let inputs: Input[] = []
  const isChord = (input: Input | undefined, name: string) => input?.type === 'chord' && input.name === name
  const rename = (from: string, to: string) => {
    inputs = inputs.map((input) => (isChord(input, from) ? { type: 'chord', name: to } : input))
  }
  return {
    add(input) {
      if (inputs.length < most) inputs.push(input)
    },
    take() {
      const taken = inputs
      inputs = []
      return taken
    },
    hold() {
      while (isChord(inputs.at(-1), 'enter')) inputs.pop()
      rename('enter', 'ctrl-j')
    },
    releaseEarly: () => rename('ctrl-j', 'enter'),
  }
}
