import { readdir, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { LmappError, type Manifest } from 'lmapp-kit'
import { findProgram } from '../processes/index.ts'
import { readPlugin } from './discover-plugins.ts'
import type { InstallationSource } from './installation.ts'
import { readSmallFile } from './small-file.ts'

/** A package that is installed for this user and has a manifest. It is listed, and runs only once lmapp installed it. */
export interface AvailablePlugin {
  manifest: Manifest
  source: InstallationSource
  /** The folder of the manifest. */
  directory: string
  runsHere: boolean
}

export interface AvailablePlugins {
  /** By name of the package; npm first. Of two with one name the first that was found. */
  plugins: AvailablePlugin[]
  /** What has a manifest that cannot be used. */
  warnings: LmappError[]
}

export interface AvailableOptions {
  environment: Readonly<Record<string, string | undefined>>
  homeDir: string
  platform?: NodeJS.Platform
  arch?: string
  /** Where packages for all users are, besides those of the platform. For tests: `[]` in place of them. */
  systemFolders?: { npm: readonly string[]; pypi: readonly string[] }
}

/**
 * Looks where npm and pip put packages for this user and for all, and asks neither: nothing is started. Never in the
 * working directory.
 */
export async function findAvailablePlugins(options: AvailableOptions): Promise<AvailablePlugins> {
  const { platform = process.platform, arch = process.arch } = options
  const [npm, pypi] = await Promise.all([npmFolders(options, platform), pythonFolders(options, platform)])
  const found = [
    ...(await listPackages('npm', npm, /^lmapp-backend-[a-z0-9._-]+$/)),
    ...(await listPackages('pypi', pypi, /^lmapp_backend_[a-z0-9_]+$/i)),
  ]
  const result: AvailablePlugins = { plugins: [], warnings: [] }
  for (const { source, directory } of found) {
    try {
      const plugin = await readPlugin(directory, `${platform}-${arch}`)
      if (plugin) result.plugins.push({ manifest: plugin.manifest, source, directory, runsHere: plugin.runsHere })
    } catch (error) {
      if (!(error instanceof LmappError)) throw error
      result.warnings.push(error)
    }
  }
  return result
}

interface FoundPackage {
  source: InstallationSource
  directory: string
}

async function listPackages(kind: 'npm' | 'pypi', folders: string[], pattern: RegExp): Promise<FoundPackage[]> {
  const names = new Map<string, string>()
  for (const [index, list] of (await Promise.all(folders.map(namesIn))).entries()) {
    for (const name of list) {
      const folder = folders[index]
      if (folder !== undefined && pattern.test(name) && !names.has(name)) names.set(name, join(folder, name))
    }
  }
  return [...names].sort().map(([from, directory]) => ({ source: { kind, from }, directory }))
}

async function npmFolders(options: AvailableOptions, platform: NodeJS.Platform): Promise<string[]> {
  const { environment, homeDir, systemFolders } = options
  const below = (prefix: string) => join(prefix, ...(platform === 'win32' ? ['node_modules'] : ['lib', 'node_modules']))
  const prefixes = [
    environment.NPM_CONFIG_PREFIX ?? environment.npm_config_prefix,
    await prefixOfNpmrc(homeDir, environment),
    ...(await prefixesOnPath(['npm', 'node'], environment, platform)),
    ...['.npm-global', '.local'].map((name) => join(homeDir, name)),
    ...(await matching(join(environment.NVM_DIR ?? join(homeDir, '.nvm'), 'versions', 'node'), /^v/)),
  ]
  const roaming = platform === 'win32' && environment.APPDATA ? [join(environment.APPDATA, 'npm', 'node_modules')] : []
  const system = systemFolders?.npm ?? (platform === 'win32' ? [] : systemPrefixes.map(below))
  return unique([...roaming, ...prefixes.filter(isFullPath).map(below), ...system])
}

async function pythonFolders(options: AvailableOptions, platform: NodeJS.Platform): Promise<string[]> {
  const { environment, homeDir, systemFolders } = options
  if (platform === 'win32') return windowsPythonFolders(environment)
  const pyenv = environment.PYENV_ROOT ?? join(homeDir, '.pyenv')
  const prefixes = [
    join(homeDir, '.local'),
    ...(await prefixesOnPath(['python3'], environment, platform)),
    ...(await matching(join(pyenv, 'versions'), /^[^.]/)),
  ]
  const versions = await Promise.all(unique(prefixes).map((prefix) => matching(join(prefix, 'lib'), python)))
  const ofMac = platform === 'darwin' ? await matching(join(homeDir, 'Library', 'Python'), /^3/) : []
  const sites = [
    ...versions.flat().map((folder) => join(folder, 'site-packages')),
    ...ofMac.map((folder) => join(folder, 'lib', 'python', 'site-packages')),
  ]
  return unique([...sites, ...(systemFolders?.pypi ?? (await systemPythonFolders()))])
}

const python = /^python3/i
const systemPrefixes = ['/usr/local', '/usr', '/opt/homebrew']

async function systemPythonFolders(): Promise<string[]> {
  const versions = await Promise.all(systemPrefixes.map((prefix) => matching(join(prefix, 'lib'), python)))
  return versions.flat().flatMap((folder) => [join(folder, 'dist-packages'), join(folder, 'site-packages')])
}

async function windowsPythonFolders({ APPDATA, LOCALAPPDATA }: AvailableOptions['environment']): Promise<string[]> {
  const users = APPDATA ? await matching(join(APPDATA, 'Python'), python) : []
  const own = LOCALAPPDATA ? await matching(join(LOCALAPPDATA, 'Programs', 'Python'), python) : []
  return [
    ...users.map((folder) => join(folder, 'site-packages')),
    ...own.map((folder) => join(folder, 'Lib', 'site-packages')),
  ]
}

/** The folders that hold the folder of these programs, as `PATH` names them and where their links lead. */
async function prefixesOnPath(
  names: readonly string[],
  environment: AvailableOptions['environment'],
  platform: NodeJS.Platform,
): Promise<string[]> {
  const prefixes = names.map(async (name) => {
    const program = await findProgram(name, { environment, platform })
    if (program === undefined) return []
    const real = await realpath(program).catch(() => program)
    return [program, real].map((path) => (platform === 'win32' ? dirname(path) : dirname(dirname(path))))
  })
  return (await Promise.all(prefixes)).flat()
}

/** `prefix=` in the user's own settings of npm. */
async function prefixOfNpmrc(
  homeDir: string,
  environment: AvailableOptions['environment'],
): Promise<string | undefined> {
  const file = environment.NPM_CONFIG_USERCONFIG ?? join(homeDir, '.npmrc')
  const { text = '' } = (await readSmallFile(file).catch(() => undefined)) ?? {}
  const [, value] = /^[ \t]*prefix[ \t]*=[ \t]*"?([^"\r\n;]+?)"?[ \t]*$/m.exec(text) ?? []
  return value
    ?.replace(/^~(?=[/\\]|$)/, homeDir)
    .replaceAll(/\$\{(\w+)\}/g, (_, name) => (name === 'HOME' ? homeDir : (environment[name] ?? '')))
}

async function matching(folder: string, pattern: RegExp): Promise<string[]> {
  const names = await namesIn(folder)
  return names.filter((name) => pattern.test(name)).map((name) => join(folder, name))
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort()
}

const isFullPath = (path: string | undefined): path is string => path !== undefined && isAbsolute(path)

const unique = (folders: readonly string[]): string[] => [...new Set(folders)]
