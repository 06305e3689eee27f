import { join } from 'node:path'
import { discoverPlugins } from '@lmapp/backends/plugins'
import { describeSource, type PreparedPlugin } from '@lmapp/backends/plugins/install'
import { toChildEnvironment } from '@lmapp/backends/processes'
import type { Manifest } from 'lmapp-kit'
import { confirm } from '../../input/confirm.ts'
import { toOneLine } from '../../output/sanitize.ts'
import { toFields } from '../../output/table.ts'
import type { PluginSession } from './install-plugin-session.ts'

/** Shows what will run and what it may touch, and asks. `sayYes`: the command that needs no answer. */
export async function agreesTo(plugin: PreparedPlugin, session: PluginSession, sayYes: string): Promise<boolean> {
  const { context, printer, signal, yes } = session
  printer.clear()
  if (!yes || !printer.asJson) {
    const fields = await describePlugin(plugin, session)
    await context.stderr.write(toFields(fields, context.stderr.columns))
  }
  if (yes) return true
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop)
  try {
    return await Promise.race([confirm(context, toQuestion(plugin), sayYes), stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Everything in it may be a stranger's words. */
async function describePlugin(plugin: PreparedPlugin, session: PluginSession): Promise<[string, string][]> {
  const { manifest, source, sha256, needs, path } = plugin
  const { context, places } = session
  const fields: [string, string][] = [
    ['Plugin', `${manifest.name} ${manifest.version}, written in ${manifest.language}`],
    ['Says', (manifest.description ?? '').slice(0, 300)],
    ['From', describeSource(source)],
    ['SHA-256', sha256],
    ['Will run', describeCommand(manifest)],
    ['Installs', needs.length === 0 ? '' : `what it needs, with ${needs.join(' and ')}, into its own folder`],
    ['Into', path],
    ['May touch', 'all that you may: it runs as you, with all your files and the network'],
    ['Keeps', join(places.dataDir, 'backend-data', manifest.name)],
    ['Is told', Object.keys(toChildEnvironment(context.environment)).sort().join(', ')],
    ['Secrets', describeSecrets(manifest.name, session)],
    ['Replaces', describeReplaced(plugin)],
    ['But', await describeHiding(manifest.name, session)],
  ]
  return fields.map(([name, value]) => [name, toPlainLine(value)])
}

const longestValue = 2000

/** A stranger's words can neither turn the line around nor push the others off the screen. */
function toPlainLine(text: string): string {
  const line = toOneLine(text).replaceAll(directions, '\ufffd')
  return line.length <= longestValue ? line : `${line.slice(0, longestValue)}… (${line.length} characters)`
}

/** Characters that change the direction of what follows. */
const directions = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

function describeCommand({ execution, command = [], address, library }: Manifest): string {
  if (execution === 'subprocess') return command.map(quote).join(' ')
  return `${execution}: ${address ?? (typeof library === 'string' ? library : JSON.stringify(library))}`
}

const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))

function describeSecrets(name: string, { config }: PluginSession): string {
  const own = Object.entries(config.backends).filter(([id, { type }]) => id === name || type === name)
  const keys = own
    .flatMap(([, { apiKeyEnv, apiKeyFile }]) => [apiKeyEnv, apiKeyFile])
    .filter((key) => key !== undefined)
  return keys.length > 0 ? `what is in ${keys.join(', ')}` : `none, unless backends.${name}.apiKeyEnv names one`
}

function describeReplaced({ replaces, source }: PreparedPlugin): string {
  if (!replaces) return ''
  const [now, before] = [describeSource(source), describeSource(replaces.source)]
  return `${replaces.name} ${replaces.version}${now === before ? '' : `, WHICH CAME FROM ELSEWHERE: ${before}`}`
}

/** A folder of the user's own comes before what is installed. */
async function describeHiding(name: string, { places }: PluginSession): Promise<string> {
  const { plugins } = await discoverPlugins([places.userBackendsDir])
  const own = plugins.find(({ manifest }) => manifest.name === name)
  return own ? `${own.directory} has the same name, and comes before it` : ''
}

function toQuestion({ manifest, replaces, source }: PreparedPlugin): string {
  const { name, version } = manifest
  const label = toLabel(name, version)
  if (!replaces) return `Install ${label}?`
  const before = toLabel(name, replaces.version)
  const from = describeSource(replaces.source)
  return from === describeSource(source)
    ? `Replace ${before} by ${label}?`
    : `Replace ${before}, which came from ${toPlainLine(from)}, by ${label} from ${toPlainLine(describeSource(source))}?`
}

const longestVersion = 40

const toLabel = (name: string, version: string): string => toPlainLine(`${name} ${version.slice(0, longestVersion)}`)
