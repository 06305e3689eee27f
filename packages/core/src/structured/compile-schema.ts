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

/** What of a value does not satisfy a schema: JSON pointers and words. Throws `bad-input` for a schema that is none. */
export async function findMismatches(
  schema: Record<string, unknown>,
  value: unknown,
): Promise<{ path: string; message: string }[]> {
  const validate = await compile(schema)
  return validate(value) ? [] : toMismatches(validate.errors ?? [])
}

async function compile(schema: Record<string, unknown>): Promise<ValidateFunction> {
  try {
    if (JSON.stringify(schema).length > longestSchema) throw new Error(`it is longer than ${longestSchema} bytes`)
    const { createAjv } = await import('./create-ajv.ts')
    return createAjv(String(schema.$schema ?? '')).compile(schema)
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw new LmappError('bad-input', `The schema cannot be used: ${cause.message}.`, {
      hint: 'Correct the JSON Schema',
      details: { field: 'schema' },
      cause,
    })
  }
}

function describeProblems(errors: readonly ErrorObject[]): string {
  return toMismatches(errors)
    .map(({ path, message }) => `${path || 'the answer'} ${message}`)
    .join('; ')
}

function toMismatches(errors: readonly ErrorObject[]): { path: string; message: string }[] {
  const mismatches = errors.map(({ instancePath: path, message = 'is not as described', params }) => {
    const extra = 'additionalProperty' in params ? ` ("${params.additionalProperty}")` : ''
    const allowed = 'allowedValues' in params ? `: ${JSON.stringify(params.allowedValues)}` : ''
    return { path, message: `${message}${extra}${allowed}` }
  })
  const unlike = new Map(mismatches.map((mismatch) => [`${mismatch.path} ${mismatch.message}`, mismatch]))
  return [...unlike.values()].slice(0, mostProblems)
}
