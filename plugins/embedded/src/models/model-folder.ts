import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isLmappError, LmappError } from 'lmapp-kit'
import { isModel, type ModelFile, type Sidecar } from './describe-model.ts'
import { type GgufHead, readGgufHead } from './gguf.ts'
import { isSamePart, type ModelPart, otherPartPaths, readPart } from './model-parts.ts'
import { createModelsFile } from './models-file.ts'

export interface ModelFolderOptions {
  modelsDir?: string
  /** These names go before those of the folder, and both before those of the file. */
  models: Record<string, string>
  modelsFile?: string
  /** Told of files that are passed over. */
  log(level: 'warning', message: string): void
}

/** The models on disk. Everything is read anew at each call, except heads of files that did not change. */
export interface ModelFolder {
  list(): Promise<ModelFile[]>
  /** Throws `model-not-found`, and `not-a-model` for a broken file. */
  find(id: string): Promise<ModelFile>
}

const readAtOnce = 8

export function createModelFolder(options: ModelFolderOptions): ModelFolder {
  const heads = createHeadCache()
  const file = options.modelsFile === undefined ? undefined : createModelsFile(options.modelsFile, options.log)
  let told = new Set<string>()

  async function paths(): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for (const [name, path] of Object.entries((await file?.read()) ?? {})) found.set(name, path)
    for (const name of await ggufNames(options.modelsDir)) {
      found.set(name, join(options.modelsDir ?? '', `${name}.gguf`))
    }
    for (const [name, path] of Object.entries(options.models)) found.set(name, resolve(options.modelsDir ?? '', path))
    return found
  }

  async function readWhole(path: string): Promise<{ part: ModelPart; head: GgufHead }> {
    const part = await readPart(path)
    return { part, head: await heads.read(part) }
  }

  async function read(id: string, path: string): Promise<ModelFile> {
    const first = await readWhole(path)
    const others = await Promise.all(otherPartPaths(path, first.head).map(readOther))
    const parts = [first, ...others].map(({ part }) => part)
    return {
      id,
      path,
      sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
      modifiedAtMs: Math.max(...parts.map((part) => part.modifiedAtMs)),
      parts,
      head: {
        ...first.head,
        parameterCount: [first, ...others].reduce((sum, { head }) => sum + head.parameterCount, 0),
      },
      sidecar: await readSidecar(path),
    }
  }

  async function readOther(path: string): Promise<{ part: ModelPart; head: GgufHead }> {
    try {
      return await readWhole(path)
    } catch (cause) {
      if (!isFileError(cause)) throw cause
      throw new LmappError('not-a-model', `${path} is missing, and the model is not whole without it.`, {
        details: { path },
        cause,
      })
    }
  }

  /** Undefined for what is passed over. */
  async function tryRead(id: string, path: string, failures: Set<string>): Promise<ModelFile | undefined> {
    try {
      const found = await read(id, path)
      return isModel(found.head) ? found : undefined
    } catch (error) {
      if (!isLmappError(error) && !isFileError(error)) throw error
      failures.add(error.message)
      return undefined
    }
  }

  return {
    async list() {
      const failures = new Set<string>()
      const waiting = [...(await paths())].values()
      const files: ModelFile[] = []
      const work = async () => {
        for (const [id, path] of waiting) {
          const found = await tryRead(id, path, failures)
          if (found) files.push(found)
        }
      }
      await Promise.all(Array.from({ length: readAtOnce }, work))
      for (const message of failures) if (!told.has(message)) options.log('warning', `Passed over: ${message}`)
      told = failures
      return files.sort((left, right) => (left.id < right.id ? -1 : 1))
    },

    async find(id) {
      const known = await paths()
      const path = known.get(id)
      if (path === undefined) throw notFound(id, [...known.keys()])
      try {
        return await read(id, path)
      } catch (error) {
        if (isFileError(error)) throw notFound(id, [...known.keys()], error)
        throw error
      }
    },
  }
}

function createHeadCache() {
  const heads = new Map<string, { part: ModelPart; head: GgufHead }>()
  return {
    async read(part: ModelPart): Promise<GgufHead> {
      const kept = heads.get(part.path)
      if (kept && isSamePart(kept.part, part)) return kept.head
      const head = await readGgufHead(part.path)
      heads.set(part.path, { part, head })
      return head
    },
  }
}

/** Names of the folder's models; of a model in several files only the first one, which leads to the others. */
async function ggufNames(folder: string | undefined): Promise<string[]> {
  if (folder === undefined) return []
  try {
    const names = (await readdir(folder)).filter((file) => file.endsWith('.gguf') && !file.startsWith('.'))
    return names.map((file) => basename(file, '.gguf')).filter((name) => !/-(?!00001)\d{5}-of-\d{5}$/.test(name))
  } catch (error) {
    if (isFileError(error)) return []
    throw error
  }
}

async function readSidecar(modelPath: string): Promise<Sidecar> {
  if (!modelPath.endsWith('.gguf')) return {}
  let value: unknown
  try {
    value = JSON.parse(await readFile(modelPath.replace(/\.gguf$/, '.json'), 'utf8'))
  } catch (error) {
    if (isFileError(error) || error instanceof SyntaxError) return {}
    throw error
  }
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  return {
    ...(typeof fields.license === 'string' && { license: fields.license }),
    ...(typeof fields.source === 'string' && { source: fields.source }),
    ...(typeof fields.sha256 === 'string' && { sha256: fields.sha256 }),
  }
}

function notFound(name: string, known: string[], cause?: unknown): LmappError {
  const gone = cause !== undefined
  return new LmappError('model-not-found', gone ? `The file of "${name}" is gone.` : `No model is named "${name}".`, {
    hint: gone ? 'See what is there: lmapp models list' : `Fetch it: lmapp models pull ${name}`,
    details: { name, known },
    ...(gone && { cause }),
  })
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error
}
