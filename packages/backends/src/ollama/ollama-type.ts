import type { Backend, ModelInfo } from 'lmapp-kit'
import { type ExternalContext, type ExternalDefinition, proofsIn } from '../external/index.ts'
import { apiKeyOf } from '../http/index.ts'
import type { ProcessRecords } from '../processes/index.ts'
import { createOllamaBackend, type OllamaBackend, type OllamaBackendOptions } from './ollama-backend.ts'
import { parseOllamaHost } from './ollama-host.ts'
import { toOllamaEnvironment } from './own/child-environment.ts'
import { launchOllama } from './own/launch.ts'
import { createOwnServers, type OwnServerLease, type OwnServers } from './own/own-servers.ts'
import { createStartableBackend } from './own/startable-backend.ts'
import { inspectOllama, type OllamaInspection } from './owner/inspect.ts'
import { createMachine, type Machine } from './owner/machine.ts'
import { elsewhereHint, isLoopback, mayStandIn, surveyOllama } from './owner/survey.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface OllamaTypeOptions {
  /** Where processes of ours are written down while they run. */
  records: ProcessRecords
  /** What an Ollama of our own inherits from, and where the program is looked for. */
  environment: Environment
  /** Whether the configuration lets lmapp start Ollama. */
  enabled(): Promise<boolean>
  homeDir: string
  platform: NodeJS.Platform
  /** The models on disk that an Ollama with this environment would list. */
  storedModels(environment: Environment): Promise<ModelInfo[]>
  /** Default: the one that this runs on. */
  machine?: Machine
}

export interface OllamaContext extends ExternalContext {
  /** Of an Ollama of our own. */
  logFile: string
}

/**
 * An Ollama at the configured `url`, else at `OLLAMA_HOST`, else where it listens by default. Where nothing listens on
 * this machine, and nobody else would start it, lmapp runs one of its own when it is needed.
 */
export interface OllamaType {
  name: 'ollama'
  execution: 'built-in'
  owner: 'external'
  variables: readonly string[]
  create(definition: ExternalDefinition, context: OllamaContext): Backend
  inspect(definition: ExternalDefinition, context: OllamaContext, backend: Backend): Promise<OllamaInspection>
  describeAddress(definition: ExternalDefinition): string
}

const ownHint = 'See its log: lmapp backends logs ollama'

interface Parts {
  attached: OllamaBackend
  lease: OwnServerLease
}

export function createOllamaType(options: OllamaTypeOptions): OllamaType {
  const machine = options.machine ?? createMachine(options)
  const servers = createOwnServers()
  const parts = new WeakMap<Backend, Parts>()
  const survey = (definition: ExternalDefinition) => surveyOllama(definition, { machine, enabled: options.enabled })

  return {
    name: 'ollama',
    execution: 'built-in',
    owner: 'external',
    variables: ['OLLAMA_HOST', 'OLLAMA_MODELS'],
    create(definition, context) {
      const { environment } = definition
      const attached = createAttached(definition, context)
      const lease = leaseOwn(servers, { definition, options, machine, context })
      const backend = createStartableBackend({
        attached,
        lease,
        open: ({ url, loadLog }) =>
          createOllamaBackend({ ...toOptions(url, context), loadLog, unreachableHint: ownHint }),
        plan: () => survey(definition),
        storedModels: () => options.storedModels(environment),
      })
      parts.set(backend, { attached, lease })
      return backend
    },
    async inspect(definition, { timeouts }, backend) {
      const known = parts.get(backend)
      const supervisor = known?.lease.supervisor
      return inspectOllama({
        definition,
        machine,
        survey: await survey(definition),
        own: { running: supervisor?.state === 'running', failure: supervisor?.failure },
        identify: () => (known?.attached ?? backend).start({ signal: AbortSignal.timeout(timeouts.connectMs) }),
      })
    },
    describeAddress: addressOf,
  }
}

function createAttached(definition: ExternalDefinition, context: ExternalContext): OllamaBackend {
  const apiKey = apiKeyOf(definition)
  const url = addressOf(definition)
  return createOllamaBackend({
    ...toOptions(url, context),
    ...(apiKey && { apiKey }),
    ...(!isLoopback(url) && { unreachableHint: elsewhereHint }),
  })
}

function toOptions(url: string, { timeouts, dataDir }: ExternalContext): OllamaBackendOptions {
  return { url, timeouts, proofs: proofsIn(dataDir) }
}

function addressOf({ config, environment }: ExternalDefinition): string {
  return parseOllamaHost(config.url ?? environment.OLLAMA_HOST).url
}

interface Leasing {
  definition: ExternalDefinition
  options: OllamaTypeOptions
  machine: Machine
  context: OllamaContext
}

/**
 * Backends share one that would stand in for the same address in the same environment. One that stands for another
 * address, perhaps on another machine, is nobody's answer to them.
 */
function leaseOwn(servers: OwnServers, { definition, options, machine, context }: Leasing): OwnServerLease {
  const { homeDir, records } = options
  const environment = toOllamaEnvironment(options.environment, { asked: definition.environment, homeDir })
  const url = addressOf(definition)
  const key = JSON.stringify([url, mayStandIn(definition, url), environment])
  return servers.lease(key, async (signal) => {
    const program = (await machine.program()) ?? 'ollama'
    const { logFile, timeouts } = context
    const start = { program, environment, directory: homeDir, logFile, records, startMs: timeouts.loadMs }
    return launchOllama(start, signal)
  })
}
