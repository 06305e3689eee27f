import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'
import { type BackendRegistry, createBackendRegistry } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse-config.ts'
import { createModelLibrary } from '../models/library.ts'
import type { ModelLibrary } from '../models/models.ts'
import type { RunManager, RunRequest } from '../runs/run.ts'
import { createRunManager } from '../runs/run-manager.ts'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'

/** A core as the service has it, in a folder of its own: a real store, real runs, scripted backends. */
export interface Core extends AsyncDisposable {
  dir: string
  store: Store
  runs: RunManager
  registry: BackendRegistry
  library: ModelLibrary
  config: Config
  /** Puts a file where fetched models are, with its description. */
  addModel(name: string, bytes: Uint8Array): Promise<void>
}

export interface OpenCoreOptions {
  /** Scripts of the mock's models, by backend id and model. */
  boxes: Record<string, Record<string, object>>
  config?: object
  /** Further entries under `backends`. */
  backends?: Record<string, object>
  maxPages?: number
  types?: BackendType[]
  /** Of the breakers. */
  now?: () => number
}

const mockType: BackendType = {
  name: 'mock',
  execution: 'built-in',
  owner: 'lmapp',
  create: ({ config }) => createMockBackend({ models: config.models }),
}

export async function openCore(options: OpenCoreOptions): Promise<Core> {
  const dir = await mkdtemp(join(tmpdir(), 'lmapp-core-'))
  const backends = Object.fromEntries(
    Object.entries(options.boxes).map(([id, models]) => [id, { type: 'mock', models }]),
  )
  const all = { ...backends, ...options.backends }
  const { config } = parseConfig(JSON.stringify({ ...options.config, backends: all }), 'config.json')
  const { maxPages } = options
  const store = await openStore({ path: join(dir, 'history.sqlite'), ...(maxPages !== undefined && { maxPages }) })
  const library = createModelLibrary({ modelsDir: join(dir, 'models'), cacheDir: join(dir, 'cache'), environment: {} })
  const types = new Map([mockType, ...(options.types ?? [])].map((type) => [type.name, type]))
  const registry = createBackendRegistry({
    types: async () => types,
    config: async () => config,
    automatic: async () => [],
    context: (id, { timeouts }) => ({ timeouts, dataDir: dir, logFile: join(dir, `${id}.log`), modelsDir: dir }),
    ...(options.now && { now: options.now }),
  })
  const runs = createRunManager({ store, backends: registry, library, config: async () => config })
  return {
    dir,
    store,
    runs,
    registry,
    library,
    config,
    async addModel(name, bytes) {
      await mkdir(join(dir, 'models'), { recursive: true })
      await writeFile(join(dir, 'models', `${name}.gguf`), bytes)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const description = {
        name,
        sizeBytes: bytes.length,
        sha256,
        source: 'hf:somebody/something',
        fetchedAt: '2026-01-01T00:00:00Z',
      }
      await writeFile(join(dir, 'models', `${name}.json`), JSON.stringify(description))
    },
    async [Symbol.asyncDispose]() {
      await runs[Symbol.asyncDispose]()
      await registry[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A question as a front sends it. */
export function toQuestion(text: string, more: Partial<RunRequest> = {}): RunRequest {
  return {
    kind: 'ask',
    owner: 'owner',
    environment: {},
    content: [{ type: 'text', text }],
    save: true,
    allowFetch: false,
    offline: true,
    ...more,
  }
}
