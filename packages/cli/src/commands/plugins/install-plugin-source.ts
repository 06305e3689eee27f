import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findAvailablePlugins } from '@lmapp/backends/plugins'
import {
  describeSource,
  findKnown,
  type InstallationSource,
  parsePluginSource,
  type WantedPlugin,
} from '@lmapp/backends/plugins/install'
import { isNear, nearestNames } from '@lmapp/core/text'
import { LmappError } from 'lmapp-kit'
import { readRegistry } from './install-plugin-registry.ts'
import type { PluginSession } from './install-plugin-session.ts'

/** What `install` was asked for. Throws `not-found` with the nearest known names, and what `readRegistry` throws. */
export async function findSource(text: string, session: PluginSession): Promise<WantedPlugin> {
  if (text.trim() === '') throw new LmappError('bad-input', 'The source is empty.', { hint: forms })
  const { context, homeDir } = session
  const wanted = await parsePluginSource(text, { directory: context.directory, homeDir })
  if (wanted) return wanted
  const registry = await readRegistry(session)
  const known = await findKnown(registry, text)
  if (known) return known
  throw toUnknown(text, [...registry.backends.keys()], await findInstead(text, session))
}

/** Where an update comes from: what was known by a name may have moved. */
export async function findSourceAgain(source: InstallationSource, session: PluginSession): Promise<WantedPlugin> {
  if (source.known !== undefined) {
    const known = await findKnown(await readRegistry(session), source.known)
    if (known) return known
  }
  if (source.kind === 'npm' || source.kind === 'pypi') return { source }
  return (await parsePluginSource(source.from, { directory: '/', homeDir: '/' })) ?? { source }
}

const forms = 'Give a known name, a folder (./NAME), an archive, npm:NAME or pypi:NAME'

/** What is on this machine under that name. */
async function findInstead(text: string, { context, homeDir }: PluginSession): Promise<string | undefined> {
  const found = await stat(join(context.directory, text)).catch(() => undefined)
  if (found) return `./${text}`
  const { plugins } = await findAvailablePlugins({ environment: context.environment, homeDir })
  const plugin = plugins.find(({ manifest, source }) => [manifest.name, source.from].includes(text))
  return plugin && describeSource(plugin.source)
}

function toUnknown(text: string, names: readonly string[], instead: string | undefined): LmappError {
  const known = ['llamafile', ...names]
  const [nearest] = nearestNames(text, known, 1)
  const isMeant = nearest !== undefined && isNear(text, nearest)
  const sentence = isMeant
    ? `Did you mean: lmapp backends install ${nearest}`
    : `Known: ${nearestNames(text, known, 10).join(', ')}. ${forms}`
  return new LmappError('not-found', `No plugin is known as "${text}".`, {
    hint: instead === undefined ? sentence : `It is here: lmapp backends install ${instead}`,
    details: { name: text, known },
  })
}
