import { type DiscoveredPlugin, discoverPlugins } from '@lmapp/backends/plugins'
import { isNear, nearestNames } from '@lmapp/core/text'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import type { CommandContext } from '../../context.ts'
import { printError, printNotice } from '../../output/print-error.ts'
import { bringPlugin } from './install-plugin.ts'
import { builtInNames, type PluginSession, withPlugins } from './install-plugin-session.ts'
import { findSourceAgain } from './install-plugin-source.ts'

/** One by name, or all of them: one that fails does not keep the others from it. */
export async function updatePlugins(context: CommandContext, args: Arguments): Promise<number> {
  const [name] = args.operands
  return withPlugins(context, args, async (session) => {
    const { plugins, warnings } = await discoverPlugins([{ installed: session.places.installedBackendsDir }])
    if (name !== undefined) return updatePlugin(await findInstalled(name, plugins, session), session)
    for (const { message } of warnings) await printNotice(context.stderr, message)
    if (plugins.length === 0) await printNotice(context.stderr, 'No plugin is installed.')
    return updateAll(plugins, session)
  })
}

/** Throws `not-owner` for what lmapp did not install, and `not-found`. */
export async function findInstalled(
  name: string,
  plugins: readonly DiscoveredPlugin[],
  session: PluginSession,
): Promise<DiscoveredPlugin> {
  const found = plugins.find(({ manifest }) => manifest.name === name)
  if (found) return found
  throw await toNotInstalled(name, plugins, session)
}

export async function toNotInstalled(
  name: string,
  plugins: readonly DiscoveredPlugin[],
  { places }: PluginSession,
): Promise<LmappError> {
  const own = (await discoverPlugins([places.userBackendsDir])).plugins.find(({ manifest }) => manifest.name === name)
  if (own) {
    return new LmappError(
      'not-owner',
      `"${name}" is a folder of your own, so lmapp does not touch it: ${own.directory}`,
      {
        hint: 'Change or remove the folder yourself',
        details: { name, path: own.directory },
      },
    )
  }
  if (builtInNames.has(name)) {
    return new LmappError('not-owner', `"${name}" comes with lmapp, and is no plugin.`, {
      hint: `Leave it out: lmapp config set backends.${name}.enabled false`,
      details: { name },
    })
  }
  const known = plugins.map(({ manifest }) => manifest.name)
  const [nearest] = nearestNames(name, known, 1)
  return new LmappError('not-found', `No plugin is installed as "${name}".`, {
    hint: nearest !== undefined && isNear(name, nearest) ? `Did you mean "${nearest}"?` : 'See: lmapp backends list',
    details: { name, known },
  })
}

async function updateAll(plugins: readonly DiscoveredPlugin[], session: PluginSession): Promise<number> {
  const { context, printer, signal } = session
  const codes: number[] = []
  for (const plugin of plugins) {
    try {
      codes.push(await updatePlugin(plugin, session))
    } catch (error) {
      if (signal.aborted || !isLmappError(error)) throw error
      printer.clear()
      await printer.failed(error)
      const message = `${plugin.manifest.name}: ${error.message}`
      if (!printer.asJson) await printError(context.stderr, { message, hint: error.hint })
      codes.push(error.entry.exit)
    }
  }
  return codes.find((code) => code !== 0) ?? 0
}

async function updatePlugin(
  { manifest: { name }, installation }: DiscoveredPlugin,
  session: PluginSession,
): Promise<number> {
  if (!installation) throw await toNotInstalled(name, [], session)
  const wanted = await findSourceAgain(installation.source, session)
  return bringPlugin(wanted, session, {
    sayYes: `lmapp backends update --yes ${name}`,
    same: 'is the newest already',
    name,
  })
}
