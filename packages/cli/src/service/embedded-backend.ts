import { readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSubprocessBackend, parseManifest } from '@lmapp/backends/plugins'
import type { BackendContext, BackendDefinition, BackendType } from '@lmapp/core/backends'
import { type LibraryModel, type ModelLibrary, readGgufHeader } from '@lmapp/core/models'
import { isLmappError, type Manifest, type ModelInfo, manifestFileName } from 'lmapp-kit'
import { type EngineInstallation, findEngine, installEngine } from './embedded-engine.ts'

export interface EmbeddedBackendOptions {
  library: ModelLibrary
  /** Where the engine is installed for users without a checkout. */
  enginesDir: string
  /** Folder of the plugin; it ships beside the command. */
  pluginDir?: string
  /** Of the service; the child gets what is allow-listed of it. */
  environment: NodeJS.ProcessEnv
}

/** The default backend: a plugin like any other, except that lmapp brings it and fetches its engine at first need. */
export function createEmbeddedBackendType(options: EmbeddedBackendOptions): BackendType {
  const pluginDir = options.pluginDir ?? shippedPluginDir()
  const installation: EngineInstallation = { pluginDir, enginesDir: options.enginesDir }
  const findFiles = createFileFinder()
  let manifest: Manifest | undefined
  const readManifest = () => {
    const file = `${pluginDir}/${manifestFileName}`
    manifest ??= parseManifest(readFileSync(file, 'utf8'), file)
    return manifest
  }
  return {
    name: 'embedded',
    execution: 'subprocess',
    owner: 'lmapp',
    servesLibrary: true,
    knownModels: (definition, context) => listModels(definition, context, { library: options.library, findFiles }),
    prepare: (_definition, _context, fetching) => installEngine(installation, fetching),
    create: (definition, context) =>
      createSubprocessBackend({
        manifest: readManifest(),
        directory: pluginDir,
        config: toPluginConfig(definition, context, findEngine(installation)),
        secrets: {},
        dataDir: context.dataDir,
        logFile: context.logFile,
        environment: options.environment,
      }),
    describeAddress: () => 'inside lmapp (llama.cpp)',
  }
}

function shippedPluginDir(): string {
  const relative = process.env.LMAPP_BUNDLED ? './embedded' : '../../../../plugins/embedded'
  return fileURLToPath(new URL(relative, import.meta.url))
}

function toPluginConfig(
  { config }: BackendDefinition,
  { modelsDir }: BackendContext,
  runtimeDir: string | undefined,
): Record<string, unknown> {
  return {
    modelsDir,
    ...(config.models && { models: config.models }),
    ...(runtimeDir !== undefined && { runtimeDir }),
    ...config.config,
  }
}

async function listModels(
  { config }: BackendDefinition,
  { modelsDir }: BackendContext,
  { library, findFiles }: Pick<EmbeddedBackendOptions, 'library'> & { findFiles: ReturnType<typeof createFileFinder> },
): Promise<ModelInfo[]> {
  const own = (await library.list()).map(toModelInfo)
  const fetched = new Set(own.map(({ id }) => id))
  const others = (await findFiles(modelsDir)).filter(({ id }) => !fetched.has(id))
  return [...own, ...others, ...Object.entries(config.models ?? {}).map(([id, path]) => ({ id, path: String(path) }))]
}

function toModelInfo({ name, fetchedAt, sha256, source: _source, ...model }: LibraryModel): ModelInfo {
  return { ...model, id: name, modifiedAt: fetchedAt, digest: `sha256:${sha256}` }
}

/** Whole models that the user put there without us. A file is looked into once, until it changes. */
function createFileFinder(): (folder: string) => Promise<ModelInfo[]> {
  const known = new Map<string, Promise<ModelInfo | undefined>>()
  return async (folder) => {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(extension))
    const found = names.map(async (name) => {
      const path = join(folder, name)
      const { size, mtime } = await stat(path)
      const key = `${path} ${size} ${mtime.getTime()}`
      const looked = known.get(key) ?? readModelFile(path, size, mtime)
      known.set(key, looked)
      return looked
    })
    return (await Promise.all(found)).filter((model) => model !== undefined)
  }
}

const extension = '.gguf'

async function readModelFile(path: string, sizeBytes: number, modified: Date): Promise<ModelInfo | undefined> {
  try {
    const { quantization, parameters, contextLength } = await readGgufHeader(path)
    return {
      id: basename(path, extension),
      path,
      sizeBytes,
      modifiedAt: modified.toISOString(),
      ...(quantization !== undefined && { quantization }),
      ...(parameters !== undefined && { parameters }),
      ...(contextLength !== undefined && { contextLength }),
    }
  } catch (error) {
    if (isLmappError(error)) return undefined
    throw error
  }
}
