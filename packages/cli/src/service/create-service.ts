import { homedir } from 'node:os'
import { join } from 'node:path'
import { createProcessRecords } from '@lmapp/backends/processes'
import {
  type BackendDefinition,
  createBackendControl,
  createBackendRegistry,
  createBackendReports,
} from '@lmapp/core/backends'
import { type Config, createConfigReader, type Places } from '@lmapp/core/config'
import { createTokenCounter } from '@lmapp/core/counting'
import { createEmbedder } from '@lmapp/core/embedding'
import { createKeys, type KeyInfo } from '@lmapp/core/keys'
import {
  createDiskModels,
  createModelLibrary,
  createModelLoading,
  createModelService,
  createModelUses,
} from '@lmapp/core/models'
import { createRunManager } from '@lmapp/core/runs'
import { openStore } from '@lmapp/core/store'
import { createTitler, type Titler } from '@lmapp/core/titles'
import { createServer, type LmappServer, type ServerApp } from '@lmapp/server'
import { apiVersion, type ServiceHealth } from 'lmapp-client'
import { version } from '../version.ts'
import { createBackendTypes } from './backend-types.ts'
import { nameModel, unnameModel } from './name-model.ts'
import { createUnknownKeyNotes } from './note-unknown-keys.ts'
import { createPluginCatalogue } from './plugin-catalogue.ts'
import { withPlugins } from './plugin-reports.ts'
import { createServeSettings } from './serve-settings.ts'
import { ensureToken } from './token.ts'

export interface ServiceOptions {
  places: Places
  /** For pip and the hub: what the process was started with. */
  environment: NodeJS.ProcessEnv
  foreground: boolean
  /** For the log. */
  log: (line: string) => void
  /** Somebody asked for the end by the API. */
  onStop: () => void
  /** A request began or ended, or a run did. */
  onActivity?: () => void
}

export interface Service extends AsyncDisposable {
  readonly server: LmappServer
  readonly config: () => Promise<Config>
  readonly busy: boolean
  readonly activeRuns: number
  /** Takes no more questions; resolves when the answers that are being written now are written. */
  drain(): Promise<void>
  keys(): Promise<KeyInfo[]>
  /** Where TCP is open, for `health`. */
  address: string | undefined
}

/**
 * Puts the house together: the one place that knows which backend types exist. The caller holds the lock.
 * Disposing ends the runs (`stopped`, kept), then the server, the backends and the store.
 */
export async function createService(options: ServiceOptions): Promise<Service> {
  const { places } = options
  const reader = createConfigReader(places.configFile)
  let memoryMb: number | undefined
  const config = async () => {
    const current = await reader.config()
    memoryMb = current.engines.memoryMb
    return current
  }
  const library = createModelLibrary({
    modelsDir: places.modelsDir,
    cacheDir: places.cacheDir,
    environment: options.environment,
    sources: async () => (await config()).sources,
  })
  const disk = createDiskModels({
    homeDir: options.environment.HOME ?? homedir(),
    platform: process.platform,
    cacheDir: places.cacheDir,
    environment: options.environment,
    settings: async () => (await config()).models,
    leaveOut: [places.modelsDir],
  })
  const workerUrl = new URL(
    process.env.LMAPP_BUNDLED ? './store-worker.js' : '../../../core/src/store/worker.ts',
    import.meta.url,
  )
  const store = await openStore({ path: places.storeFile, workerUrl })
  if (store.setAside) options.log(`the history was damaged; it is kept as ${store.setAside}, and a new one was begun`)
  const uses = createModelUses(store)
  const keys = await createKeys({ store })
  const crashed = await store.recoverCrashed()
  if (crashed > 0) options.log(`${crashed} answers were cut short by the end of an earlier service`)

  const records = createProcessRecords({ dir: join(places.stateDir, 'processes') })
  const left = await records.reap()
  if (left.length > 0) options.log(`ended what an earlier service left behind: ${left.join(', ')}`)

  const builtIn = createBackendTypes({
    places,
    environment: options.environment,
    config,
    memoryMb: () => memoryMb,
    library,
    disk,
    records,
  })
  const catalogue = createPluginCatalogue({
    folders: [places.userBackendsDir, { installed: places.installedBackendsDir }],
    builtIn,
    environment: options.environment,
    records,
    onTrouble: options.log,
  })
  await catalogue.types()

  const registry = createBackendRegistry({
    types: catalogue.types,
    config,
    automatic: async (types, environment) => {
      disk.remember(environment)
      return automaticBackends(
        [...types.keys()].filter((name) => !builtIn.some((type) => type.name === name)),
        environment,
      )
    },
    context: (id, { timeouts }) => ({
      timeouts,
      dataDir: join(places.dataDir, 'backend-data', id),
      logFile: join(places.stateDir, 'backends', `${id}.log`),
      modelsDir: places.modelsDir,
    }),
  })
  const metrics = options.foreground
    ? (await import('@lmapp/server/metrics')).createMetrics(registry.gauges)
    : undefined
  const runs = createRunManager({
    ...(metrics && { observe: metrics.observer }),
    store,
    backends: registry,
    library,
    uses,
    config,
    onActivity() {
      options.onActivity?.()
      titler.activity()
    },
    onEnded: (run, request) => titler.answered(run, request),
  })
  const titler: Titler = createTitler({ store, runs, config, log: options.log })
  const models = createModelService({ backends: registry, library, uses, config })
  const reports = withPlugins(createBackendReports(registry), {
    catalogue,
    environment: options.environment,
    homeDir: options.environment.HOME ?? homedir(),
  })
  const control = createBackendControl(registry)
  const embedder = createEmbedder({ backends: registry, library, config })
  const counter = createTokenCounter({ backends: registry, library, config })
  const loading = createModelLoading({ backends: registry, library, config })
  const settings = createServeSettings(config)

  // A configuration with a mistake in it is told to whoever asks something, and keeps nobody from the history.
  await settings.refresh()

  const since = new Date().toISOString()
  let address: string | undefined
  const health = (): ServiceHealth => ({
    version,
    apiVersion,
    pid: process.pid,
    since,
    ...(address !== undefined && { address }),
    foreground: options.foreground,
    activeRuns: runs.active,
    queuedRuns: runs.queued,
  })
  const app: ServerApp = {
    version,
    token: ensureToken(places.tokenFile),
    get serve() {
      return settings.current
    },
    refresh: settings.refresh,
    keys,
    findKey(secret) {
      const key = keys.find(secret)
      if (key) keys.noteUse(key.id)
      return key
    },
    onUnknownKey: createUnknownKeyNotes(options.log),
    runs,
    store,
    models: {
      list: ({ environment }, filter) => models.list(environment, filter),
      show: ({ environment }, ref) => models.show(ref, environment),
      resolve: ({ environment }, ref) => models.resolve(ref, environment),
      pull: ({ owner, environment, signal }, { model, offline = false }) =>
        models.pull(model, environment, { signal, offline, byProgram: owner !== 'owner' }),
      remove: ({ environment }, ref) => models.remove(ref, environment),
      load: ({ environment, signal }, ref) => loading.load(ref, environment, { signal }),
      unload: ({ environment }, ref) => loading.unload(ref, environment),
      aliases: async () => Object.entries((await config()).aliases).map(([name, refs]) => ({ name, refs })),
      unname: (_caller, name) => unnameModel(name, places.configFile),
      copy: ({ environment }, ref, name) => nameModel(ref, name, { models, environment, file: places.configFile }),
    },
    backends: {
      list: ({ environment }) => reports.list(environment),
      show: ({ environment }, name) => reports.show(name, environment),
      async start({ environment, signal }, name) {
        await control.start(name, environment, signal)
        return reports.show(name, environment)
      },
      async stop({ environment }, name) {
        await control.stop(name, environment)
        return reports.show(name, environment)
      },
      logs: ({ environment }, name, { lines }) => reports.logs(name, lines, environment),
    },
    embed: ({ environment, signal }, { model, input, offline = false }) =>
      embedder.embed({ ...(model !== undefined && { model }), input, environment, offline, signal }),
    countTokens: ({ environment, signal }, request) =>
      counter.count({ ...request, environment, offline: false, signal }),
    health,
    ...(metrics && { metrics }),
    stop: options.onStop,
    ...(options.onActivity && { onActivity: options.onActivity }),
    onBug: (error) => options.log(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  }
  const server = createServer(app)

  return {
    server,
    config,
    get activeRuns() {
      return runs.active
    },
    get busy() {
      return runs.active > 0 || server.activeRequests > 0
    },
    drain: () => runs.drain(),
    keys: () => keys.list(),
    get address() {
      return address
    },
    set address(value) {
      address = value
    },
    async [Symbol.asyncDispose]() {
      titler[Symbol.dispose]()
      await runs[Symbol.asyncDispose]()
      await server.close()
      await registry[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

/** In the order in which they are preferred. */
function automaticBackends(plugins: string[], environment: Readonly<Record<string, string>>): BackendDefinition[] {
  return ['ollama', 'llama-server', 'lm-studio', ...plugins, 'embedded', 'llamafile', 'mock'].map((id) => ({
    id,
    config: { type: id, enabled: true },
    environment,
  }))
}
