/** Of a configured engine that somebody else started: what its type reads of the configuration. */
export interface ExternalDefinition {
  id?: string
  config: { url?: string; apiKeyEnv?: string; apiKeyFile?: string }
  /** What the front sent of its environment. */
  environment: Readonly<Record<string, string>>
}

export interface ExternalContext {
  /** Milliseconds. */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  /** The backend's own folder for what it keeps; made when it is first needed. */
  dataDir?: string
}
