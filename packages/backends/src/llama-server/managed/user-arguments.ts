/** The arguments that the user configured. They stand behind ours, and what they set we leave out. */
export interface UserArguments {
  readonly all: readonly string[]
  has(...names: string[]): boolean
  /** The value of the last one of these. */
  value(...names: string[]): string | undefined
}

export function readUserArguments(all: readonly string[]): UserArguments {
  const last = (names: readonly string[]) => all.findLastIndex((argument) => names.includes(argument))
  return {
    all,
    has: (...names) => last(names) >= 0,
    value(...names) {
      const at = last(names)
      return at < 0 ? undefined : all[at + 1]
    },
  }
}

/** The model file that the arguments themselves name. */
export function modelInArguments(all: readonly string[]): string | undefined {
  return readUserArguments(all).value('-m', '--model')
}

/** What the arguments fix of context and slots; `-c 0` is the model's own. */
export function memoryInArguments(user: UserArguments): { fixedContext?: number; slots?: number } {
  const slots = toCount(user.value('-np', '--parallel'))
  const total = toCount(user.value('-c', '--ctx-size'))
  return {
    ...(slots !== undefined && { slots }),
    ...(total !== undefined && { fixedContext: Math.floor(total / (slots ?? 1)), slots: slots ?? 1 }),
  }
}

function toCount(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined
}
