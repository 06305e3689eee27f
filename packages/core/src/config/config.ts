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
  models?: Record<string, unknown>
  /** For plugins: `config` of `hello`, checked against the manifest's schema. */
  config?: Record<string, unknown>
}

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
  personas: Record<string, unknown>
  serve: { allowPull: boolean }
}

export interface ConfigProblem {
  /** `unknown-key` is a warning, `wrong-value` and `syntax` are errors. */
  kind: 'unknown-key' | 'wrong-value' | 'syntax'
  /** As `backends.box1.url`. */
  path: string
  message: string
  /** From 1. */
  line: number
  column: number
  nearest?: string
}
