import type { ErrorObject, ValidateFunction } from 'ajv'
import { LmappError } from 'lmapp-kit'
import { findJson } from './find-json.ts'

/** Says whether an answer satisfies a schema. */
export interface AnswerCheck {
  /** The JSON of the answer without what stands around it, or what is wrong with it, for the model and for a person. */
  check(text: string): { json: string } | { problem: string }
}

const longestSchema = 256 * 1024
const mostProblems = 10

/** Drafts 7, 2019-09 and 2020-12, which is meant where `$schema` is absent. Throws `bad-input` that says what is wrong. */
export async function compileSchema(schema: Record<string, unknown>): Promise<AnswerCheck> {
  const validate = await compile(schema)
  return {
    check(text) {
      const found = findJson(text)
      if (!found) return { problem: text.trim() === '' ? 'the answer is empty' : 'the answer is not JSON' }
      if (validate(found.value)) return { json: found.text }
      return { problem: describeProblems(validate.errors ?? []) }
    },
  }
}

async function compile(schema: Record<string, unknown>): Promise<ValidateFunction> {
  try {
    if (JSON.stringify(schema).length > longestSchema) throw new Error(`it is longer than ${longestSchema} bytes`)
    const ajv = await createAjv(String(schema.$schema ?? ''))
    return ajv.compile(schema)
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw new LmappError('bad-input', `The schema cannot be used: ${cause.message}.`, {
      hint: 'Correct the JSON Schema',
      details: { field: 'schema' },
      cause,
    })
  }
}

async function createAjv(draft: string) {
  const options = { strict: false, allErrors: true, logger: false, addUsedSchema: false } as const
  const [{ default: addFormats }, ajv] = await Promise.all([import('ajv-formats'), createBare(draft, options)])
  // The default export of the CommonJS module is the function in one bundle and the module in another.
  const add = 'default' in addFormats ? (addFormats as unknown as { default: typeof addFormats }).default : addFormats
  ;(add as unknown as (to: typeof ajv) => void)(ajv)
  return ajv
}

async function createBare(draft: string, options: object) {
  if (/draft-0[67]/.test(draft)) return new (await import('ajv')).Ajv(options)
  if (draft.includes('2019-09')) return new (await import('ajv/dist/2019.js')).Ajv2019(options)
  return new (await import('ajv/dist/2020.js')).Ajv2020(options)
}

function describeProblems(errors: readonly ErrorObject[]): string {
  const lines = errors.map(({ instancePath, message = 'is not as described', params }) => {
    const extra = 'additionalProperty' in params ? ` ("${params.additionalProperty}")` : ''
    const allowed = 'allowedValues' in params ? `: ${JSON.stringify(params.allowedValues)}` : ''
    return `${instancePath || 'the answer'} ${message}${extra}${allowed}`
  })
  return [...new Set(lines)].slice(0, mostProblems).join('; ')
}
