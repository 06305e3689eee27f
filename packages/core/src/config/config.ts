/** The configuration file as a program sees it: parsed, with defaults. `cli.md` shows the file. */

export interface BackendConfig {
  type: string
  enabled: boolean
  url?: string
  /** Name of the environment variable that holds the key; the front sends its value along. */
  apiKeyEnv?: string
  /** File that holds the key; must be readable by its owner only. */
  apiKeyFile?: string
  command?: string
  args?: string[]
  /** Model files or `hf:` references, by name. */
  models?: Record<string, string>
  /** Answers at a time; more wait. Absent: what the engine says of itself. */
  parallel?: number
  /** For plugins: `config` of `hello`, checked against the manifest's schema. */
  config?: Record<string, unknown>
}

/** Its maps have no prototype, so that every name is only what the file says. */
export interface Config {
  /** Default model reference. */
  model?: string
  /** Candidates in order, by alias. A single string in the file becomes a list of one. */
  aliases: Record<string, string[]>
  /** By id, `[a-z0-9-]+`. */
  backends: Record<string, BackendConfig>
  failover: { enabled: boolean; retries: number }
  /** Milliseconds. */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  service: { keepAliveMs: number }
  /** GGUF files of other programs. */
  models: { scan: boolean; folders: string[] }
  engines: {
    /** Megabytes (10^6 bytes) for the models of all engines that lmapp starts. Absent: what is free. */
    memoryMb?: number
    startOllama: boolean
  }
  /** Mirrors: base addresses or folders. */
  sources: { huggingFace?: string; llamafile?: string; backends?: string }
  history: { titles: 'first-words' | 'model' }
  chat: { plain: boolean }
  personas: Record<string, unknown>
  serve: {
    allowPull: boolean
    requireKey: boolean
    history: boolean
    /** Origins of pages that may use the APIs, as `http://localhost:3000`. */
    origins: string[]
    /** Names, besides addresses and `localhost`, under which this machine may be asked for. */
    hosts: string[]
  }
}

export interface ConfigProblem {
  /** `unknown-key` is a warning, `wrong-value` and `syntax` are errors. */
  kind: 'unknown-key' | 'wrong-value' | 'syntax'
  file: string
  /** As `backends.box1.url`; empty for the file as a whole. */
  path: string
  message: string
  /** From 1. */
  line: number
  /** From 1, in UTF-16 units, as editors count. */
  column: number
  nearest?: string
}

/** A configuration and what is wrong with its file. */
export interface ParsedConfig {
  config: Config
  problems: ConfigProblem[]
}
