import { describeSource, type PreparedPlugin, preparePlugin, type WantedPlugin } from '@lmapp/backends/plugins/install'
import { LmappError } from 'lmapp-kit'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import type { CommandContext } from '../../context.ts'
import { printNotice } from '../../output/print-error.ts'
import { toOneLine } from '../../output/sanitize.ts'
import { agreesTo } from './install-plugin-consent.ts'
import { type PluginSession, stopIfRunning, toInstallContext, withPlugins } from './install-plugin-session.ts'
import { findSource } from './install-plugin-source.ts'

/** Fetches a plugin, shows what it is, asks, and installs it. Nothing of it runs before the yes. */
export async function installPlugin(context: CommandContext, args: Arguments): Promise<number> {
  const [source = ''] = args.operands
  return withPlugins(context, args, async (session) => {
    const wanted = await findSource(source, session)
    return bringPlugin(wanted, session, { sayYes: `lmapp backends install --yes ${source}`, same: 'is here already' })
  })
}

export interface BringOptions {
  /** The command that needs no answer. */
  sayYes: string
  /** What is said of one that is installed already. */
  same: string
  /** The name that it must have. */
  name?: string
}

export async function bringPlugin(
  wanted: WantedPlugin,
  session: PluginSession,
  { sayYes, same, ...expected }: BringOptions,
): Promise<number> {
  const { context, printer } = session
  await using plugin = await preparePlugin(wanted, toInstallContext(session))
  const { name } = plugin.manifest
  if (expected.name !== undefined && name !== expected.name) throw toRenamed(plugin, expected.name)
  printer.clear()
  if (plugin.isHere) {
    await tellDone(plugin, session, { words: same, changed: false })
    return 0
  }
  if (!(await agreesTo(plugin, session, sayYes))) {
    await printNotice(context.stderr, 'Nothing was installed.')
    return 0
  }
  await plugin.install(async () => {
    if (plugin.replaces) await stopIfRunning(context, name)
  })
  printer.clear()
  await tellDone(plugin, session, { words: 'is ready', changed: true })
  await tellSettings(plugin, session)
  return 0
}

/** A new name is not an update: it could be that of another plugin, which the user never meant to replace. */
function toRenamed({ manifest: { name }, source }: PreparedPlugin, before: string): LmappError {
  const from = describeSource(source)
  return new LmappError('bad-input', `${from} has "${name}" now, and no "${before}" any more.`, {
    hint: `If you want it: lmapp backends remove ${before}, then: lmapp backends install ${from}`,
    details: { name: before, found: name, from },
  })
}

async function tellDone(
  { manifest: { name, version }, path, sha256 }: PreparedPlugin,
  { printer }: PluginSession,
  { words, changed }: { words: string; changed: boolean },
): Promise<void> {
  const sentence = `${toOneLine(`${name} ${version}`)} ${words}: ${path}`
  await printer.done(sentence, { name, version, path, sha256, changed })
}

/** What its schema wants before it can start. */
async function tellSettings({ manifest }: PreparedPlugin, { context, printer, config }: PluginSession): Promise<void> {
  const { name, config_schema: { required } = {} } = manifest
  const given = config.backends[name]?.config ?? {}
  const missing = Array.isArray(required) ? required.map(String).filter((key) => !Object.hasOwn(given, key)) : []
  if (printer.asJson || missing.length === 0) return
  const keys = missing.map((key) => toOneLine(`backends.${name}.config.${key}`)).join(', ')
  await printNotice(context.stderr, `It needs settings first: ${keys}. Set them: lmapp config edit`)
}
