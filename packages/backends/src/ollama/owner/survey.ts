import type { ExternalDefinition } from '../../external/index.ts'
import { parseOllamaHost } from '../ollama-host.ts'
import { findManager, type Keeper } from './keeper.ts'
import type { Machine } from './machine.ts'

/** What is known of a configured Ollama before anyone asks it. */
export interface Survey {
  url: string
  /** What of the configured address is not usable. */
  addressProblem?: string
  isLocal: boolean
  /** Where it is installed on this machine. */
  program?: string
  /** Who would start it, were it not for lmapp. */
  manager?: Keeper
  /** Whether lmapp starts it when nothing listens at its address. */
  startable: boolean
  /** What a user does when nothing listens there. */
  hint: string
}

export interface SurveyOptions {
  machine: Machine
  /** Whether the configuration lets lmapp start it. */
  enabled(): Promise<boolean>
}

const usualUrl = parseOllamaHost(undefined).url

/** What a user does when nothing answers on another machine. */
export const elsewhereHint = 'Start Ollama there, or correct its address: lmapp config edit'

export async function surveyOllama(
  { config, environment }: ExternalDefinition,
  { machine, enabled }: SurveyOptions,
): Promise<Survey> {
  const { url, problem } = parseOllamaHost(config.url ?? environment.OLLAMA_HOST)
  const isOurs = mayStandIn({ config }, url)
  const isLocal = isLoopback(url)
  const base = { url, isLocal, ...(problem !== undefined && { addressProblem: problem }) }
  if (!isLocal) return { ...base, startable: false, hint: elsewhereHint }
  const [program, manager, isEnabled] = await Promise.all([machine.program(), findManager(machine), enabled()])
  return {
    ...base,
    ...(program !== undefined && { program }),
    ...(manager && { manager }),
    startable: program !== undefined && !manager && isEnabled && isOurs,
    hint: toHint(program, manager),
  }
}

function toHint(program: string | undefined, manager: Keeper | undefined): string {
  if (manager?.start !== undefined) return `Start it: ${manager.start}`
  return program === undefined ? 'Install it: https://ollama.com/download' : 'Start it: ollama serve'
}

/**
 * Whether one of our own may stand for what does not run there. Another port than the usual one, written into the
 * configuration, is a certain server: perhaps the end of a tunnel.
 */
export function mayStandIn({ config }: Pick<ExternalDefinition, 'config'>, url: string): boolean {
  return isLoopback(url) && (config.url === undefined || isUsual(url))
}

export function isLoopback(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? ''
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function isUsual(url: string): boolean {
  return URL.parse(url)?.port === URL.parse(usualUrl)?.port && URL.parse(url)?.pathname === '/'
}
