export type StyleName = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Paints text, or returns it as it is where colours are off. */
export interface Style {
  (name: StyleName, text: string): string
  readonly colors: boolean
}

const codes: Record<StyleName, readonly [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

export function createStyle(colors: boolean): Style {
  const paint = (name: StyleName, text: string) => {
    if (!colors || text === '') return text
    const [open, close] = codes[name]
    return `\u001b[${open}m${text}\u001b[${close}m`
  }
  return Object.assign(paint, { colors })
}

export interface ColorWish {
  environment: NodeJS.ProcessEnv
  isTerminal: boolean
  /** `--color`, `--no-color`. */
  flag?: boolean | undefined
}

/** A flag beats `NO_COLOR`, which beats `FORCE_COLOR`, which beats what the stream is. */
export function wantsColors({ environment, isTerminal, flag }: ColorWish): boolean {
  if (flag !== undefined) return flag
  if (environment.NO_COLOR) return false
  const force = environment.FORCE_COLOR
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false'
  return isTerminal && environment.TERM !== 'dumb'
}
