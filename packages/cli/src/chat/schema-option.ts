import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { decodeText } from '../input/read-stdin.ts'
import { parseShortSchema } from './short-schema.ts'

/** Of `--schema`: the path of a JSON Schema, the schema itself, or its short form. Throws `bad-input`. */
export async function readSchema(value: string, directory: string): Promise<Record<string, unknown>> {
  const text = value.trim()
  if (text.startsWith('{')) return parseSchema(text, 'The schema')
  if (!isPath(text)) return parseShortSchema(text)
  return parseSchema(await readText(text, directory), text)
}

/** A field's name holds neither a dot nor a slash, and the path of a schema has one of them. */
function isPath(text: string): boolean {
  return text !== '' && !/[\s,:{]/.test(text) && /[./\\]/.test(text)
}

function parseSchema(text: string, place: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw toBadSchema(`${place} is no JSON: ${(cause as Error).message}.`, cause)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw toBadSchema(`${place} must be a JSON Schema, an object.`)
}

async function readText(path: string, directory: string): Promise<string> {
  try {
    return decodeText(await readFile(resolve(directory, path)), path)
  } catch (cause) {
    if (cause instanceof LmappError) throw cause
    throw toBadSchema(`${path} could not be read (${(cause as NodeJS.ErrnoException).code}).`, cause)
  }
}

function toBadSchema(message: string, cause?: unknown): LmappError {
  return new LmappError('bad-input', message, {
    hint: 'Give the path of a JSON Schema, or its short form: --schema "name, age int, tags[]"',
    ...(cause !== undefined && { cause }),
  })
}
