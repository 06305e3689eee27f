import { homedir } from 'node:os'
import { join } from 'node:path'
import { createLlamaServerType } from '@lmapp/backends/llama-server'
import { createLlamafileType, usualLlamafileFolders } from '@lmapp/backends/llamafile'
import { lmStudioBackendType } from '@lmapp/backends/lm-studio'
import { mockBackendType } from '@lmapp/backends/mock'
import { createMemoryBudget } from '@lmapp/backends/model-processes'
import { createOllamaType } from '@lmapp/backends/ollama'
import { openaiCompatibleBackendType } from '@lmapp/backends/openai-compatible'
import type { ProcessRecords } from '@lmapp/backends/processes'
import type { BackendContext, BackendDefinition, BackendType } from '@lmapp/core/backends'
import type { Config, Places } from '@lmapp/core/config'
import type { DiskModels, ModelLibrary } from '@lmapp/core/models'
import { createEmbeddedBackendType } from './embedded-backend.ts'
import { createEmbeddedModels, toKnownModel } from './embedded-models.ts'
import { createEngineModels } from './engine-models.ts'
import { findLlamafile } from './llamafile-install.ts'

export interface BackendTypesOptions {
  places: Places
  /** Of the service: what children inherit from, and where programs are looked for. */
  environment: NodeJS.ProcessEnv
  config: () => Promise<Config>
  /** What `engines.memoryMb` says, as it was last read. */
  memoryMb: () => number | undefined
  library: ModelLibrary
  disk: DiskModels
  /** Where processes are written down while they run. */
  records: ProcessRecords
}

/** Every built-in backend type, in no order: the one place that knows which there are. */
export function createBackendTypes(options: BackendTypesOptions): BackendType[] {
  const { places, environment, library, disk, records } = options
  const homeDir = environment.HOME ?? homedir()
  const enginesDir = join(places.dataDir, 'engines')
  const llamafileFolders = async () => {
    const own = await findLlamafile(enginesDir)
    return [...(own ? [join(own.path, '..')] : []), ...usualLlamafileFolders(homeDir)]
  }
  const embedded = createEmbeddedModels({ library, disk })
  const models = createEngineModels({ library, disk, embedded, llamafileFolders, environment })
  const engines = {
    budget: createMemoryBudget({
      limitBytes: () => toBytes(options.memoryMb()),
      freeBytes: () => process.availableMemory(),
    }),
    records,
    environment,
    runtimeDir: toRuntimeDir(places),
  }
  return [
    createEmbeddedBackendType({ library, disk, enginesDir, environment, records }),
    createOllamaType({
      records,
      environment,
      enabled: async () => (await options.config()).engines.startOllama,
      homeDir,
      platform: process.platform,
      storedModels: async () => {
        const { models: found } = await disk.list()
        return found.filter(({ program }) => program === 'ollama').map(toKnownModel)
      },
    }),
    createLlamaServerType<BackendDefinition, BackendContext>({
      ...engines,
      findFolders: usualProgramFolders(homeDir),
      modelsOf: models.gguf,
    }),
    createLlamafileType<BackendDefinition, BackendContext>({
      ...engines,
      findFolders: llamafileFolders,
      modelsOf: models.llamafiles,
      ownFolder: places.modelsDir,
    }),
    lmStudioBackendType,
    openaiCompatibleBackendType,
    mockBackendType,
  ].map((type) => (foundByThemselves.has(type.name) ? { ...type, shownOnlyWhenThere: true } : type))
}

/** Nobody misses them who does not have them. */
const foundByThemselves = new Set(['llama-server', 'llamafile', 'lm-studio'])

function toBytes(megabytes: number | undefined): number | undefined {
  return megabytes === undefined ? undefined : megabytes * 1_000_000
}

/** Beside the service's socket, where paths are short enough for more of them. */
function toRuntimeDir({ socket, stateDir }: Places): string {
  return process.platform === 'win32' ? join(stateDir, 'engines') : socket.replace(/(\.sock)?$/, '.d')
}

/** Where package managers put programs that a service's `PATH` may lack. */
function usualProgramFolders(homeDir: string): string[] {
  return ['/opt/homebrew/bin', '/usr/local/bin', '/home/linuxbrew/.linuxbrew/bin', join(homeDir, '.local/bin')]
}
