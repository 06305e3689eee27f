import { LmappError } from 'lmapp-kit'

export interface CountRange {
  least: number
  most?: number
  default: number
}

/** The whole number that an option was given. Throws `bad-input`. */
export function parseCount(option: string, text: string | undefined, range: CountRange): number {
  if (text === undefined) return range.default
  const { least, most = Number.MAX_SAFE_INTEGER } = range
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  const bounds = range.most === undefined ? `from ${least} up` : `from ${least} to ${most}`
  throw new LmappError('bad-input', `--${option} takes a whole number ${bounds}, and was given "${text}".`, {
    hint: `As: --${option} ${range.default}`,
  })
}
