import { type ChatOptions, LmappError } from 'lmapp-kit'
import { nearest } from '../arguments/nearest.ts'

type NumberKey = Exclude<keyof ChatOptions, 'stop'>

interface NumberRule {
  key: NumberKey
  integer?: true
  least: number
  most?: number
}

const rules: Record<string, NumberRule> = {
  temperature: { key: 'temperature', least: 0 },
  top_p: { key: 'topP', least: 0, most: 1 },
  top_k: { key: 'topK', integer: true, least: 0 },
  min_p: { key: 'minP', least: 0, most: 1 },
  repeat_penalty: { key: 'repeatPenalty', least: 0 },
  presence_penalty: { key: 'presencePenalty', least: -2, most: 2 },
  frequency_penalty: { key: 'frequencyPenalty', least: -2, most: 2 },
  seed: { key: 'seed', integer: true, least: Number.MIN_SAFE_INTEGER },
  max_tokens: { key: 'maxTokens', integer: true, least: 1 },
  num_ctx: { key: 'contextLength', integer: true, least: 1 },
}

/** As users know them, and how they are called inside. */
export const chatOptionKeys: Readonly<Record<string, keyof ChatOptions>> = {
  ...Object.fromEntries(Object.entries(rules).map(([name, { key }]) => [name, key])),
  stop: 'stop',
}

/**
 * Reads what `-o`, or another `flag`, was given. Throws `bad-input` with the nearest key or the allowed range.
 */
export function parseChatOptions(pairs: readonly string[], flag = '-o'): ChatOptions {
  const options: ChatOptions = {}
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    if (equals < 1) {
      throw new LmappError('bad-input', `${flag} takes KEY=VALUE, and was given "${pair}".`, {
        hint: `As: ${flag} temperature=0`,
      })
    }
    const name = pair.slice(0, equals)
    const value = pair.slice(equals + 1)
    if (name === 'stop') options.stop = [...(options.stop ?? []), parseStop(value, flag)]
    else {
      const rule = findRule(name, flag)
      options[rule.key] = parseNumber(value, rule, `${flag} ${name}`)
    }
  }
  return options
}

function findRule(name: string, flag: string): NumberRule {
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
  if (rule) return rule
  const known = Object.keys(chatOptionKeys)
  const meant = nearest(name, known)
  throw new LmappError('bad-input', `There is no option "${name}".`, {
    hint: meant ? `Did you mean ${flag} ${meant}=…?` : `There are: ${known.join(', ')}`,
  })
}

function parseNumber(text: string, { integer, least, most }: NumberRule, option: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  const allowed = Number.isFinite(value) && value >= least && value <= (most ?? Number.MAX_SAFE_INTEGER)
  if (allowed && (!integer || Number.isSafeInteger(value))) return value
  const kind = integer ? 'a whole number' : 'a number'
  const range =
    most !== undefined ? ` from ${least} to ${most}` : least > Number.MIN_SAFE_INTEGER ? ` from ${least} up` : ''
  throw new LmappError('bad-input', `${option} takes ${kind}${range}, and was given "${text}".`, {
    hint: `As: ${option}=${Math.max(1, least)}`,
  })
}

/** In quotes it is a JSON string, so that `stop="\n"` means a line break. */
function parseStop(value: string, flag: string): string {
  if (value === '') throw new LmappError('bad-input', `${flag} stop needs a text.`, { hint: `As: ${flag} stop=END` })
  if (!value.startsWith('"')) return value
  try {
    return String(JSON.parse(value))
  } catch (cause) {
    throw new LmappError('bad-input', `${flag} stop=${value} is no JSON string.`, {
      hint: flag === '-o' ? 'As: -o \'stop="\\n"\'' : `As: ${flag} stop="\\n"`,
      cause,
    })
  }
}
