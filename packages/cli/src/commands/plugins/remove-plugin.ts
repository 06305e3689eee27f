import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { discoverPlugins } from '@lmapp/backends/plugins'
import { removeFromPlace } from '@lmapp/backends/plugins/install'
import { pluginNamePattern } from 'lmapp-kit'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import type { CommandContext } from '../../context.ts'
import { confirm } from '../../input/confirm.ts'
import { printNotice } from '../../output/print-error.ts'
import { printJson } from '../../output/print-json.ts'
import { type PluginSession, stopIfRunning, withPlugins } from './install-plugin-session.ts'
import { toNotInstalled } from './update-plugin.ts'

/** Removes what `install` brought, and with `--data` what the plugin keeps. What is the user's own stays. */
export async function removePlugin(context: CommandContext, args: Arguments): Promise<number> {
  const [name = ''] = args.operands
  return withPlugins(context, args, async (session) => {
    const { path, version } = await findFolder(name, session)
    const data = args.has('data') ? join(session.places.dataDir, 'backend-data', name) : undefined
    if (!session.yes && !(await agrees({ name, version, path, data }, context))) {
      await printNotice(context.stderr, 'Nothing was removed.')
      return 0
    }
    await stopIfRunning(context, name)
    await removeFromPlace(session.places.installedBackendsDir, name)
    if (data !== undefined) await rm(data, { recursive: true, force: true })
    if (args.has('json')) await printJson(context.stdout, { removed: name, path, ...(data !== undefined && { data }) })
    else await context.stdout.write(`${name} is removed.\n`)
    return 0
  })
}

interface RemovedPlugin {
  name: string
  path: string
  /** Unknown of one that is broken. */
  version: string | undefined
  data: string | undefined
}

/** Also of one that is broken: its folder is where all are. */
async function findFolder(name: string, session: PluginSession): Promise<Pick<RemovedPlugin, 'path' | 'version'>> {
  const { installedBackendsDir } = session.places
  const { plugins } = await discoverPlugins([{ installed: installedBackendsDir }])
  const path = join(installedBackendsDir, name)
  const isName = pluginNamePattern.test(name)
  if (!isName || !(await stat(path).catch(() => undefined))?.isDirectory()) {
    throw await toNotInstalled(name, plugins, session)
  }
  return { path, version: plugins.find(({ manifest }) => manifest.name === name)?.manifest.version }
}

async function agrees({ name, path, version, data }: RemovedPlugin, context: CommandContext): Promise<boolean> {
  const label = version === undefined ? name : `${name} ${version}`
  const also = data === undefined ? '' : `, and what it keeps in ${data}`
  const flags = data === undefined ? '--yes' : '--yes --data'
  return confirm(context, `Remove ${label} (${path})${also}?`, `lmapp backends remove ${flags} ${name}`)
}
