import type { Backend } from 'lmapp-kit'
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

/** Our adapter to one kind of engine: built in, or a plugin. Creating costs nothing and touches nothing. */
export interface BackendType {
  name: string
  execution: 'built-in' | 'subprocess' | 'ffi' | 'grpc'
  /** `lmapp` when its process is started by lmapp. */
  owner: 'lmapp' | 'external'
  /** Whether it needs `start` before the first chat. */
  create(definition: BackendDefinition, context: BackendContext): Backend
  /** For people: where it is, as a URL or a command. */
  describeAddress?(definition: BackendDefinition): string | undefined
}
