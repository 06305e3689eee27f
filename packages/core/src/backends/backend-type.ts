import type { Backend, ModelInfo, Status } from 'lmapp-kit'
import type { BackendConfig } from '../config/config.ts'

/** A configured instance of a type, before it is opened. */
export interface BackendDefinition {
  /** `[a-z0-9-]+` */
  id: string
  config: BackendConfig
  /** What the front sent of its environment: `OLLAMA_HOST`, keys named by `apiKeyEnv`. In memory only. */
  environment: Readonly<Record<string, string>>
}

/** What lmapp lends to every backend. */
export interface BackendContext {
  /** Milliseconds. */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  /** The backend's own folder for what it keeps; made when it is first needed. */
  dataDir: string
  /** File that the engine's or plugin's log is appended to. */
  logFile: string
  /** Folder with the GGUF models that lmapp fetched. */
  modelsDir: string
}

/** What a look at the machine tells of an engine. Looking starts nothing. */
export interface Inspection {
  /** `lmapp` for what lmapp runs now, or would run if it were asked. */
  owner: 'lmapp' | 'external'
  /** Who keeps it running, for people: "systemd (ollama.service)", "the Ollama app", "a container". */
  managedBy?: string
  /** The command by which its manager restarts it. */
  restart?: string
  /** Where its program is on this machine. */
  program?: string
  /** Whether lmapp starts it when it is needed. */
  startable: boolean
  /** What stands in the way, for a person, and what mends it. */
  problem?: { message: string; mend: string }
}

/** Our adapter to one kind of engine: built in, or a plugin. Creating costs nothing and touches nothing. */
export interface BackendType {
  name: string
  /** Of what is behind the name: when it changes, backends are opened anew. */
  revision?: string
  execution: 'built-in' | 'subprocess' | 'ffi' | 'grpc'
  /** `lmapp` when its process is started by lmapp. */
  owner: 'lmapp' | 'external'
  /** Whether it runs the model files that lmapp fetches into `modelsDir`. */
  servesLibrary?: boolean
  /** Only when it is named: never chosen for a request that names no model. */
  onlyWhenNamed?: boolean
  /** Without an entry in the configuration it is shown only while it answers: nobody misses what he never had. */
  shownOnlyWhenThere?: boolean
  /** It must be started to say what it has, so that nobody starts it only for a list: what it listed last is believed. */
  startsToList?: boolean
  /** The models it would list, found without starting it. */
  knownModels?(definition: BackendDefinition, context: BackendContext): Promise<ModelInfo[]>
  /** Environment variables that it reads, besides the one named by `apiKeyEnv`. */
  variables?: readonly string[]
  /**
   * Fetches what the backend itself needs before it can start, announced by `fetching` statuses.
   * Ends at once when everything is there; throws `offline` where the network is forbidden.
   */
  prepare?(
    definition: BackendDefinition,
    context: BackendContext,
    options: { signal: AbortSignal; offline: boolean },
  ): AsyncIterable<Status>
  create(definition: BackendDefinition, context: BackendContext): Backend
  /** Who owns the engine, where it is installed, and what is wrong with it. `backend` is what `create` gave. */
  inspect?(definition: BackendDefinition, context: BackendContext, backend: Backend): Promise<Inspection>
  /** For people: where it is, as a URL or a command. */
  describeAddress?(definition: BackendDefinition): string | undefined
}
