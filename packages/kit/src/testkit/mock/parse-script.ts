import { isErrorCode, LmappError } from '../../errors/lmapp-error.ts'
import { faultKinds, type MockScript } from './mock-script.ts'

/** Whether a value may stand there; otherwise what may, in words. Objects throw for their own fields. */
type Check = (value: unknown, path: string) => true | string

const text: Check = (value) => typeof value === 'string' || 'a text'
const flag: Check = (value) => typeof value === 'boolean' || 'true or false'
const milliseconds: Check = (value) => isNumber(value, 0) || 'a number, 0 or more'
const rate: Check = (value) => (isNumber(value, 0) && value !== 0) || 'a number above 0'
const count: Check = (value) => (isNumber(value, 0) && Number.isInteger(value)) || 'a whole number, 0 or more'
const size: Check = (value) => (isNumber(value, 1) && Number.isInteger(value)) || 'a whole number, 1 or more'
const errorCode: Check = (value) => isErrorCode(value) || 'a code of the error table'
const faultKind: Check = (value) => faultKinds.some((kind) => kind === value) || `one of ${faultKinds.join(', ')}`
const callArguments: Check = (value) => typeof value === 'string' || isRecord(value) || 'a text or an object'

const loadFields = { steps: size, stepMs: milliseconds, fail: flag }
const faultFields = { kind: faultKind, afterTokens: count, code: errorCode, times: size }
const callFields = { name: text, arguments: callArguments }

const scriptFields = {
  reply: text,
  repeatTokens: size,
  paceMs: milliseconds,
  tokensPerSecond: rate,
  promptMs: milliseconds,
  load: object(loadFields, ['steps', 'stepMs']),
  fault: object(faultFields, ['kind']),
  contextLength: size,
  reasoningText: text,
  toolCall: object(callFields, ['name', 'arguments']),
  seesImages: flag,
  continue: flag,
  schema: flag,
  logprobs: flag,
  parallel: size,
  embedDimensions: size,
  installed: flag,
} satisfies Record<keyof MockScript, Check>

const optionFields = { startMs: milliseconds, startFails: flag }

/** Reads the models of a mock from JSON. Throws `config-invalid`, naming the place. */
export function parseMockModels(models: unknown): Map<string, MockScript> {
  if (!isRecord(models)) throw invalid('models', 'an object with a script for each model')
  return new Map(Object.entries(models).map(([id, script]) => [id, parseScript(script, `models.${id}`)]))
}

/** How the whole mock behaves: plain JSON too, under `backends.<id>.config`. */
export interface MockBehaviour {
  /** Milliseconds that `start` takes. Default 0. */
  startMs?: number
  /** `start` rejects with `backend-start-failed`. */
  startFails?: boolean
}

/** Throws `config-invalid`, naming the place. */
export function parseMockBehaviour(config: unknown): MockBehaviour {
  assertFields(config, 'config', optionFields, [])
  return config as MockBehaviour
}

function parseScript(value: unknown, path: string): MockScript {
  assertFields(value, path, scriptFields, [])
  const script = value as MockScript
  if (script.paceMs !== undefined && script.tokensPerSecond !== undefined) {
    throw invalid(`${path}.tokensPerSecond`, 'absent, since paceMs says the same')
  }
  return script
}

function object(fields: Readonly<Record<string, Check>>, required: readonly string[]): Check {
  return (value, path) => {
    assertFields(value, path, fields, required)
    return true
  }
}

function assertFields(
  value: unknown,
  path: string,
  fields: Readonly<Record<string, Check>>,
  required: readonly string[],
): void {
  if (!isRecord(value)) throw invalid(path, 'an object')
  for (const key of required) if (value[key] === undefined) throw invalid(`${path}.${key}`, 'there')
  for (const [key, item] of Object.entries(value)) {
    const check = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (check === undefined) throw unknownKey(path, key, Object.keys(fields))
    const wanted = check(item, `${path}.${key}`)
    if (wanted !== true) throw invalid(`${path}.${key}`, wanted)
  }
}

function isNumber(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= least
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(path: string, wanted: string): LmappError {
  return new LmappError('config-invalid', `The mock's script has a wrong value: ${path} must be ${wanted}.`, {
    details: { path },
  })
}

function unknownKey(path: string, key: string, known: string[]): LmappError {
  return new LmappError('config-invalid', `The mock's script has an unknown key: ${path}.${key}.`, {
    hint: `Known there: ${known.join(', ')}`,
    details: { path: `${path}.${key}`, known },
  })
}
