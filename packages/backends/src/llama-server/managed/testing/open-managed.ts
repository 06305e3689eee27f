import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Backend, type ChatRequest, LmappError } from 'lmapp-kit'
import type { MemoryFields } from 'lmapp-kit/gguf'
import {
  createMemoryBudget,
  type MemoryBudget,
  type ModelFile,
  type ModelFiles,
} from '../../../model-processes/index.ts'
import { createProcessRecords } from '../../../processes/index.ts'
import { createManagedLlamaServerBackend, type ManagedLlamaServerOptions } from '../managed-llama-server.ts'

const fake = join(import.meta.dirname, '../fixtures/fake-llama-server.mjs')
export const mebibyte = 1024 * 1024
/** Long enough that only what is meant to end early does. */
export const patient = { connectMs: 10_000, stallMs: 10_000, loadMs: 10_000 }

/** Whose context takes 1 MiB for 1,024 tokens, beside 1 MiB that it computes in. */
export const linear: Omit<MemoryFields, 'sizeBytes'> = {
  layers: 1,
  embeddingLength: 256,
  headCount: 1,
  headCountKv: 1,
  vocabularySize: 0,
}

/** A folder with programs and "models", and backends over them. */
export interface ManagedRoom extends AsyncDisposable {
  dir: string
  /** An executable that is the fake; `before` is shell that runs first. */
  program(name: string, variant?: string, before?: string): Promise<string>
  /** `text` says how it behaves. */
  model(id: string, text?: string, more?: Partial<ModelFile>): Promise<ModelFile>
  files: ModelFiles
  open(options?: Partial<ManagedLlamaServerOptions>): Promise<Backend>
  log(): Promise<string>
}

export async function openRoom(): Promise<ManagedRoom> {
  const dir = await mkdtemp(join(tmpdir(), 'lmapp-m-'))
  const stack = new AsyncDisposableStack()
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const known = new Map<string, ModelFile>()
  const files: ModelFiles = {
    list: async () => [...known.values()],
    async find(name) {
      const file = known.get(name)
      if (file) return file
      throw new LmappError('model-not-found', `No model is called "${name}".`, {
        details: { known: [...known.keys()] },
      })
    },
  }
  const room: ManagedRoom = {
    dir,
    files,
    async program(name, variant = 'new', before = '') {
      const path = join(dir, name)
      await writeFile(path, `#!/bin/sh\n${before}\nexec '${process.execPath}' '${fake}' ${variant} "$@"\n`)
      await chmod(path, 0o755)
      return path
    },
    async model(id, text = '', more = {}) {
      const path = join(dir, `${id}.gguf`)
      await writeFile(path, text)
      const file = {
        id,
        path,
        sizeBytes: mebibyte,
        contextLength: 65_536,
        memory: { ...linear, sizeBytes: mebibyte },
        ...more,
      }
      known.set(id, file)
      return file
    },
    async open(options = {}) {
      const backend = createManagedLlamaServerBackend({
        id: 'box',
        command: options.command ?? [await room.program('llama-server')],
        models: files,
        budget: createBudget(1024 * mebibyte),
        timeouts: patient,
        logFile: join(dir, 'box.log'),
        runtimeDir: join(dir, 'run'),
        environment: { PATH: process.env.PATH },
        records: createProcessRecords({ dir: join(dir, 'records') }),
        ...options,
      })
      stack.use(backend)
      return backend
    },
    log: () => readFile(join(dir, 'box.log'), 'utf8'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
  return room
}

/** Of a machine that has enough. */
export function createBudget(limitBytes: number): MemoryBudget {
  return createMemoryBudget({ limitBytes: () => limitBytes, freeBytes: () => Number.MAX_SAFE_INTEGER })
}

export function ask(model: string, text: string, options: ChatRequest['options'] = { maxTokens: 64 }): ChatRequest {
  return { model, messages: [{ role: 'user', content: [{ type: 'text', text }] }], options }
}
