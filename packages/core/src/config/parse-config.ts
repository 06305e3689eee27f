import { checkDocument } from './check.ts'
import type { BackendConfig, Config, ParsedConfig } from './config.ts'
import { configDescription, type Description } from './description.ts'
import { parseDocument } from './document.ts'
import { parseDuration } from './duration.ts'

/** Reads the text of the file. Never throws: what is wrong has its default, and is named with its place. */
export function parseConfig(text: string, file: string): ParsedConfig {
  const document = parseDocument(text, file)
  const { value, problems } = checkDocument(document, configDescription)
  return { config: toConfig(value), problems: [...document.problems, ...problems].sort(byPlace) }
}

/** What holds when there is no file. */
export function defaultConfig(): Config {
  return toConfig({})
}

/** Fills in what the file leaves out, in the shape of the file. */
export function withDefaults(description: Description, value: unknown): unknown {
  if (value === undefined && description.default !== undefined) return description.default
  if (description.kind === 'object') return objectWithDefaults(description, value)
  if (description.kind !== 'map' || value === undefined) return value
  const entries = Object.entries(value as object).map(([key, item]) => [key, withDefaults(description.values, item)])
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

function objectWithDefaults(description: Description & { kind: 'object' }, value: unknown): Record<string, unknown> {
  const given = (value ?? {}) as Record<string, unknown>
  const filled = Object.entries(description.fields).map(
    ([key, field]) => [key, withDefaults(field, given[key])] as const,
  )
  return Object.fromEntries(filled.filter(([, item]) => item !== undefined))
}

/** The file after its check, with defaults. */
interface FilledConfig {
  model?: string
  aliases?: Record<string, string | string[]>
  backends?: Record<string, BackendConfig>
  failover: Config['failover']
  timeouts: Config['timeouts']
  service: { keepAlive: string | number }
  models: { scan: boolean; folders?: string[] }
  engines: Config['engines']
  sources: Config['sources']
  history: Config['history']
  chat: Config['chat']
  personas?: Record<string, unknown>
  serve: Omit<Config['serve'], 'origins' | 'hosts'> & { origins?: string[]; hosts?: string[] }
}

function toConfig(checked: Record<string, unknown>): Config {
  const filled = withDefaults(configDescription, checked) as FilledConfig
  const { failover, timeouts, service, engines, sources, history, chat, serve } = filled
  return {
    ...(filled.model !== undefined && { model: filled.model }),
    aliases: toLists(filled.aliases ?? {}),
    backends: filled.backends ?? Object.create(null),
    failover,
    timeouts,
    service: { keepAliveMs: parseDuration(service.keepAlive) ?? 0 },
    models: { scan: filled.models.scan, folders: filled.models.folders ?? [] },
    engines,
    sources,
    history,
    chat,
    personas: filled.personas ?? Object.create(null),
    serve: { ...serve, origins: serve.origins ?? [], hosts: serve.hosts ?? [] },
  }
}

function toLists(aliases: Record<string, string | string[]>): Record<string, string[]> {
  const lists: Record<string, string[]> = Object.create(null)
  for (const [name, meant] of Object.entries(aliases)) lists[name] = typeof meant === 'string' ? [meant] : meant
  return lists
}

function byPlace(one: { line: number; column: number }, other: { line: number; column: number }): number {
  return one.line - other.line || one.column - other.column
}
