import { LmappError } from 'lmapp-kit'

/** What `config` in `hello` may hold. `config_schema` of the manifest says the same. */
export interface EmbeddedConfig {
  /** Folder whose `<name>.gguf` files are models. */
  modelsDir?: string
  /** More models, by name. Relative paths are taken from `modelsDir`. */
  models: Record<string, string>
  /** JSON file with more `models`, read anew when it changes. */
  modelsFile?: string
  /** Folder whose `node_modules` holds node-llama-cpp. Default: where this program is. */
  runtimeDir?: string
  /** Default and upper bound: the cores that this process may use. */
  threads?: number
  /** A model that nobody asks is unloaded after so long. */
  idleUnloadMs: number
  /** Chats that one model answers side by side. */
  parallel: number
  /** Context of a chat that names none, in tokens. Default: what the chat needs. */
  contextLength?: number
}

export function parseConfig(value: unknown): EmbeddedConfig {
  const fields = isRecord(value) ? value : {}
  const modelsDir = readString(fields, 'modelsDir')
  const modelsFile = readString(fields, 'modelsFile')
  const runtimeDir = readString(fields, 'runtimeDir')
  const threads = readCount(fields, 'threads', 1)
  const contextLength = readCount(fields, 'contextLength', 1)
  return {
    ...(modelsDir !== undefined && { modelsDir }),
    models: readPaths(fields.models ?? {}),
    ...(modelsFile !== undefined && { modelsFile }),
    ...(runtimeDir !== undefined && { runtimeDir }),
    ...(threads !== undefined && { threads }),
    idleUnloadMs: readCount(fields, 'idleUnloadMs', 0) ?? 300_000,
    parallel: readCount(fields, 'parallel', 1) ?? 2,
    ...(contextLength !== undefined && { contextLength }),
  }
}

function readString(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '') throw invalid(name, 'a path')
  return value
}

function readCount(fields: Record<string, unknown>, name: string, least: number): number | undefined {
  const value = fields[name]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw invalid(name, `a whole number, at least ${least}`)
  }
  return value
}

/** Names and paths. Names may hold any character. */
export function readPaths(value: unknown): Record<string, string> {
  if (!isRecord(value)) throw invalid('models', 'an object of names and paths')
  const entries = Object.entries(value).map(([name, path]): [string, string] => {
    if (name === '' || typeof path !== 'string' || path === '') throw invalid(`models.${name}`, 'a path')
    return [name, path]
  })
  return Object.fromEntries(entries)
}

function invalid(name: string, wanted: string): LmappError {
  return new LmappError('config-invalid', `"${name}" of the embedded backend must be ${wanted}.`, {
    details: { setting: name },
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
