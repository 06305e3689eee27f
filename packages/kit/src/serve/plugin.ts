import type { Backend } from '../backend.ts'
import type { LogParams } from '../protocol/messages.ts'

/** What a plugin's author writes. */
export interface Plugin {
  name: string
  version: string
  /**
   * Called once, with what the host sent. Import what is heavy, or might print, in here.
   * From the start of the process to the end of this there are 30 seconds; models are loaded later, by a chat.
   */
  open(context: PluginContext): Backend | Promise<Backend>
}

/** What the host gives to a plugin. */
export interface PluginContext {
  /** As the manifest's `config_schema` describes it; checked by the host, not here. */
  config: Record<string, unknown>
  /** Never log them, never pass them on in arguments or environment. */
  secrets: Record<string, string>
  /** The plugin's own folder for what it keeps. */
  dataDir: string
  /** A line for people, into the backend's log. */
  log(level: LogParams['level'], message: string): void
  /** Tells the host to ask again. */
  modelsChanged(): void
  stateChanged(): void
}
