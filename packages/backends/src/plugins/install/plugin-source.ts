import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { LmappError } from 'lmapp-kit'
import type { InstallationSource } from '../installation.ts'

/** What is to be installed. */
export interface WantedPlugin {
  source: InstallationSource
  /** Of a package; absent: the newest. */
  version?: string
  /** Of the archive, lower-case hex, known beforehand. */
  sha256?: string
}

export interface SourceOptions {
  /** Where relative paths begin. */
  directory: string
  homeDir: string
}

/**
 * Reads what `install` was given: a path of a folder or an archive, or a package of npm or PyPI. Undefined for a bare
 * name, which only a registry can know. Throws `bad-input`, and `not-found` for a path where nothing is.
 */
export async function parsePluginSource(text: string, options: SourceOptions): Promise<WantedPlugin | undefined> {
  if (isPath(text)) return toPathSource(resolve(options.directory, text.replace(/^~(?=[/\\]|$)/, options.homeDir)))
  const [, kind, rest = ''] = /^(npm|pypi):(.*)$/s.exec(text) ?? []
  if (kind === 'npm' || /^lmapp-backend-/.test(text)) return parseNpm(kind ? rest : text)
  if (kind === 'pypi' || /^lmapp_backend_/.test(text)) return parsePypi(kind ? rest : text)
  const path = resolve(options.directory, text)
  if (/[/\\]/.test(text) && (await stat(path).catch(() => undefined))) return toPathSource(path)
  return undefined
}

function isPath(text: string): boolean {
  return /^(\.\.?$|\.\.?[/\\]|[/\\]|~$|~[/\\]|[a-z]:[/\\])/i.test(text)
}

/** A full path: what lies there says whether it is a folder or an archive. */
export async function toPathSource(path: string): Promise<WantedPlugin> {
  const found = await stat(path).catch(() => undefined)
  if (!found) throw new LmappError('not-found', `There is nothing at ${path}.`, { hint: 'Correct the path' })
  if (found.isDirectory()) return { source: { kind: 'folder', from: path } }
  if (found.isFile() && /\.(tgz|tar\.gz|whl)$/i.test(path)) return { source: { kind: 'tarball', from: path } }
  throw new LmappError('bad-input', `${path} is neither a folder nor a .tgz, .tar.gz or .whl file.`, {
    hint: 'Give the folder that holds lmapp-backend.json',
  })
}

const npmName = /^(@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/i
const pypiName = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i

function parseNpm(text: string): WantedPlugin {
  const [, name = '', version] = /^(.[^@]*)(?:@(.*))?$/s.exec(text) ?? []
  if (!npmName.test(name) || !isVersion(version)) throw wrongPackage('npm', text, 'npm:NAME or npm:NAME@VERSION')
  return { source: { kind: 'npm', from: name }, ...(version !== undefined && { version }) }
}

function parsePypi(text: string): WantedPlugin {
  const [name = '', version] = text.split('==', 2)
  if (!pypiName.test(name) || !isVersion(version)) throw wrongPackage('PyPI', text, 'pypi:NAME or pypi:NAME==VERSION')
  return { source: { kind: 'pypi', from: name }, ...(version !== undefined && { version }) }
}

/** A version, a range or a tag; nothing that npm or pip would take for an option, an address or a path. */
function isVersion(text: string | undefined): boolean {
  return text === undefined || /^[\w^~][\w.+~^!-]*$/.test(text)
}

function wrongPackage(registry: string, text: string, form: string): LmappError {
  return new LmappError('bad-input', `"${text}" is no package of ${registry}.`, { hint: `Write it as ${form}` })
}
