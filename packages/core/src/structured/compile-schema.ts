import type { ErrorObject } from 'ajv'
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
      const errors = validate(found.value)
      return errors.length === 0 ? { json: found.text } : { problem: describeProblems(errors) }
    },
  }
}

/** What of a value does not satisfy a schema: JSON pointers and words. Throws `bad-input` for a schema that is none. */
export async function findMismatches(
  schema: Record<string, unknown>,
  value: unknown,
): Promise<{ path: string; message: string }[]> {
  const validate = await compile(schema)
  return toMismatches(validate(value))
}

/** What is wrong with a value; nothing, when it is empty. */
type Validate = (value: unknown) => readonly Problem[]
type Problem = Pick<ErrorObject, 'instancePath' | 'message' | 'params'>

async function compile(schema: Record<string, unknown>): Promise<Validate> {
  try {
    const text = JSON.stringify(schema)
    if (text.length > longestSchema) throw new Error(`it is longer than ${longestSchema} bytes`)
    const { createAjv } = await import('./create-ajv.ts')
    const validate = createAjv(String(schema.$schema ?? '')).compile(schema)
    const run: Validate = (value) => (validate(value) ? [] : (validate.errors ?? []))
    return /"pattern(Properties)?"/.test(text) ? withinTime(run) : run
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw new LmappError('bad-input', `The schema cannot be used: ${cause.message}.`, {
      hint: 'Correct the JSON Schema',
      details: { field: 'schema' },
      cause,
    })
  }
}

const longestCheckMs = 500

/** A pattern may take longer than the world lasts, and nothing else would move meanwhile. */
function withinTime(validate: Validate): Validate {
  return (value) => {
    const { createContext, Script } = process.getBuiltinModule('node:vm')
    const context = createContext({ run: () => validate(value) })
    try {
      return new Script('run()').runInContext(context, { timeout: longestCheckMs })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      return [{ instancePath: '', message: 'takes too long to compare with the patterns of the schema', params: {} }]
    }
  }
}

function describeProblems(errors: readonly Problem[]): string {
  return toMismatches(errors)
    .map(({ path, message }) => `${path || 'the answer'} ${message}`)
    .join('; ')
}

function toMismatches(errors: readonly Problem[]): { path: string; message: string }[] {
  const mismatches = errors.map(({ instancePath: path, message = 'is not as described', params }) => {
    const extra = 'additionalProperty' in params ? ` ("${params.additionalProperty}")` : ''
    const allowed = 'allowedValues' in params ? `: ${JSON.stringify(params.allowedValues)}` : ''
    return { path, message: `${message}${extra}${allowed}` }
  })
  const unlike = new Map(mismatches.map((mismatch) => [`${mismatch.path} ${mismatch.message}`, mismatch]))
  return [...unlike.values()].slice(0, mostProblems)
}
