import { badField, type Parser, parser } from '../../parse/fields.ts'

const amount = '(?:\\d+(?:\\.\\d*)?|\\.\\d+)'
const pattern = `^[-+]?(?:0|(?:${amount}(?:ns|us|µs|μs|ms|s|m|h))+)$`

/** Seconds that a model is to stay in memory: a number, or a duration as `1h30m`. Negative: for ever. */
export const keepAlive: Parser<number> = parser(
  {
    anyOf: [{ type: 'number' }, { type: 'string', pattern }],
    description: 'Seconds, or a duration as "5m". Only 0 has an effect: the model is unloaded after the answer.',
  },
  (value, place) => {
    if (typeof value === 'number' && Number.isFinite(value)) return value < 0 ? Number.POSITIVE_INFINITY : value
    if (typeof value === 'string' && value.length <= longest && isDuration.test(value)) return toSeconds(value)
    throw badField(place, 'a number of seconds, or a duration as "5m"')
  },
)

/** Of a text that says how long. */
const longest = 100
const isDuration = new RegExp(pattern)

const seconds: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
}

function toSeconds(text: string): number {
  const items = [...text.matchAll(/([\d.]+)([a-zµμ]+)/g)]
  const sum = items.reduce((total, [, count, unit]) => total + Number(count) * (seconds[unit ?? ''] ?? 0), 0)
  return text.startsWith('-') && sum > 0 ? Number.POSITIVE_INFINITY : sum
}
