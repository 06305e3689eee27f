import { homedir } from 'node:os'
import type { InstallContext } from '@lmapp/backends/plugins/install'
import type { Config, Places } from '@lmapp/core/config'
import { loadConfig } from '@lmapp/core/config'
import { isLmappError } from 'lmapp-kit'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import type { CommandContext, Connection } from '../../context.ts'
import { waitForTurn } from '../../service/llamafile-install.ts'
import { findPlaces } from '../../service/service-places.ts'
import { isOffline } from '../chat.ts'
import { createInstallPrinter, type InstallPrinter, untilStopped } from '../install-backend-progress.ts'

/** One command that changes what is installed; no other one runs meanwhile. */
export interface PluginSession {
  context: CommandContext
  places: Places
  config: Config
  printer: InstallPrinter
  homeDir: string
  offline: boolean
  signal: AbortSignal
  /** Nothing is asked. */
  yes: boolean
}

/** Waits for its turn, and runs `work`. A signal ends both; then nothing is changed. */
export async function withPlugins(
  context: CommandContext,
  args: Arguments,
  work: (session: PluginSession) => Promise<number>,
): Promise<number> {
  const { environment } = context
  const places = findPlaces(environment)
  const { config } = await loadConfig(places.configFile)
  const printer = createInstallPrinter(context, args.has('json'))
  const stopped = 'Stopped. What is installed stays as it was.'
  return untilStopped({ context, printer, stopped }, async (signal) => {
    using _turn = await takeTurn(places.installedBackendsDir, printer, signal)
    printer.clear()
    const homeDir = environment.HOME ?? homedir()
    // Awaited here: the turn lasts as long as the work.
    return await work({
      ...{ context, places, config, printer, homeDir, signal },
      offline: isOffline(environment),
      yes: args.has('yes'),
    })
  })
}

/** What the installation of a plugin needs of this. */
export function toInstallContext(session: PluginSession): InstallContext {
  const { context, places, offline, signal, printer } = session
  return {
    installedDir: places.installedBackendsDir,
    takenNames: builtInNames,
    environment: context.environment,
    offline,
    signal,
    report: (message) => void printer.show({ type: 'status', phase: 'fetching', message }),
  }
}

/** The types that lmapp brings. */
export const builtInNames: ReadonlySet<string> = new Set([
  ...['embedded', 'ollama', 'llama-server', 'llamafile', 'lm-studio', 'openai-compatible', 'mock'],
])

/** A service that runs ends what it started of the plugin, under every id, before its files change. */
export async function stopIfRunning(context: CommandContext, plugin: string): Promise<void> {
  try {
    const connection = await context.connect({ start: false })
    try {
      const backends = await connection.client.listBackends()
      for (const { name } of backends.filter(({ type }) => type === plugin)) await stopOne(connection.client, name)
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (!isLmappError(error, 'service-unavailable')) throw error
  }
}

async function stopOne(client: Connection['client'], name: string): Promise<void> {
  try {
    await client.stopBackend(name)
  } catch (error) {
    if (!isLmappError(error, 'not-found') && !isLmappError(error, 'not-owner')) throw error
  }
}

async function takeTurn(folder: string, printer: InstallPrinter, signal: AbortSignal): Promise<Disposable> {
  const turns = waitForTurn(folder, signal)
  for (;;) {
    const { done, value } = await turns.next()
    if (done) return value
    await printer.show(value)
  }
}
