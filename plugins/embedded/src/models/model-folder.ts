import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { ModelFile, Sidecar } from './describe-model.ts'
import { type GgufHead, readGgufHead } from './gguf.ts'

export interface ModelFolderOptions {
  modelsDir?: string
  models: Record<string, string>
  /** Told of files that are passed over. */
  log(level: 'warning', message: string): void
}

/** The models on disk. Everything is read anew at each call, except heads of files that did not change. */
export interface ModelFolder {
  list(): Promise<ModelFile[]>
  /** Throws `model-not-found`, and `not-a-model` for a broken file. */
  find(id: string): Promise<ModelFile>
}

export function createModelFolder(options: ModelFolderOptions): ModelFolder {
  const heads = createHeadCache()

  async function paths(): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for (const name of await ggufNames(options.modelsDir)) {
      found.set(name, join(options.modelsDir ?? '', `${name}.gguf`))
    }
    for (const [name, path] of Object.entries(options.models)) found.set(name, resolve(options.modelsDir ?? '', path))
    return found
  }

  async function read(id: string, path: string): Promise<ModelFile> {
    const { size, mtimeMs } = await stat(path)
    const head = await heads.read(path, size, mtimeMs)
    return { id, path, sizeBytes: size, modifiedAtMs: mtimeMs, head, sidecar: await readSidecar(path) }
  }

  return {
    async list() {
      const files: ModelFile[] = []
      for (const [id, path] of await paths()) {
        try {
          files.push(await read(id, path))
        } catch (error) {
          if (!isLmappError(error) && !isFileError(error)) throw error
          options.log('warning', `Passed over: ${error.message}`)
        }
      }
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
  const heads = new Map<string, { size: number; mtimeMs: number; head: GgufHead }>()
  return {
    async read(path: string, size: number, mtimeMs: number): Promise<GgufHead> {
      const kept = heads.get(path)
      if (kept && kept.size === size && kept.mtimeMs === mtimeMs) return kept.head
      const head = await readGgufHead(path)
      heads.set(path, { size, mtimeMs, head })
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
  let value: unknown
  try {
    value = JSON.parse(await readFile(modelPath.replace(/(\.gguf)?$/, '.json'), 'utf8'))
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
  return new LmappError('model-not-found', `No model named "${name}" is in the folder of models.`, {
    hint: `Fetch it: lmapp models pull ${name}`,
    details: { name, known },
    ...(cause !== undefined && { cause }),
  })
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error
}
