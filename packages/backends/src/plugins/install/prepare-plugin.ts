import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { isCompatibleVersion, isLmappError, LmappError, type Manifest } from 'lmapp-kit'
import { currentPlatform } from '../discover-plugins.ts'
import {
  type InstallationRecord,
  type InstallationSource,
  installationFileName,
  parseInstallation,
} from '../installation.ts'
import { readSmallFile } from '../small-file.ts'
import { otherVersion } from '../subprocess/open-session.ts'
import { type FetchContext, type FetchedPlugin, fetchPlugin } from './fetch-plugin.ts'
import { toInstallError } from './install-error.ts'
import { installNpm } from './npm.ts'
import { type PluginNeeds, readNeeds } from './plugin-needs.ts'
import type { WantedPlugin } from './plugin-source.ts'
import { makeEnvironment, packagesIn, programIn } from './python.ts'
import { moveIntoPlace, openStaging, type Staging } from './staging.ts'

export interface InstallContext extends FetchContext {
  /** `Places.installedBackendsDir`. The caller is the only one who installs into it. */
  installedDir: string
  /** Names that no plugin may have. */
  takenNames: ReadonlySet<string>
  /** Of this machine, as manifests name it. */
  machine?: string
}

/** A plugin that was fetched and looked at, for somebody to say yes to. Disposing removes what was fetched. */
export interface PreparedPlugin extends AsyncDisposable {
  manifest: Manifest
  source: InstallationSource
  sha256: string
  /** What is fetched and installed besides, in the plugin's own folder. */
  needs: readonly ('npm' | 'pip')[]
  /** What it would take the place of. */
  replaces?: InstallationRecord
  /** The very same is installed. */
  isHere: boolean
  /** Where it goes. */
  path: string
  /**
   * From here on code of the plugin may run. `beforeMove` is waited for when all is ready, before what is there is
   * replaced. Throws as `fetchPlugin`; then what is there stays.
   */
  install(beforeMove?: () => Promise<void>): Promise<InstallationRecord>
}

/** Throws as `fetchPlugin`, and `interface-version`, `unsupported`, `bad-input` for a plugin that has no place here. */
export async function preparePlugin(wanted: WantedPlugin, context: InstallContext): Promise<PreparedPlugin> {
  const { installedDir } = context
  const staging = await openStaging(installedDir)
  try {
    const fetched = await fetchPlugin(wanted, staging, context)
    const { manifest, sha256 } = fetched
    assertUsable(manifest, context)
    const needs = await needsOf(fetched)
    const path = join(installedDir, manifest.name)
    const replaces = await readRecord(path)
    return {
      manifest,
      source: wanted.source,
      sha256,
      needs: [...(needs.npm ? ['npm' as const] : []), ...(needs.python ? ['pip' as const] : [])],
      ...(replaces && { replaces }),
      isHere: replaces?.sha256 === sha256 && replaces.version === manifest.version,
      path,
      install: (beforeMove) => install({ wanted, fetched, needs, staging, path }, context, beforeMove),
      [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
    }
  } catch (error) {
    await staging[Symbol.asyncDispose]()
    throw toInstallError(error, installedDir)
  }
}

function assertUsable({ name, interface_version, platforms }: Manifest, context: InstallContext): void {
  const { takenNames, machine = currentPlatform } = context
  if (takenNames.has(name)) {
    throw new LmappError('bad-input', `The plugin calls itself "${name}", which is the name of a backend of lmapp.`, {
      hint: 'Another name in its lmapp-backend.json would do',
      details: { name },
    })
  }
  if (!isCompatibleVersion(interface_version)) throw otherVersion(name, interface_version)
  if (platforms && !platforms.includes(machine)) {
    throw new LmappError('unsupported', `The plugin "${name}" does not run on ${machine}.`, {
      hint: `It runs on ${platforms.join(', ')}`,
      details: { name, platforms, machine },
    })
  }
}

interface Needs {
  npm?: PluginNeeds['npm']
  /** Arguments of `pip install`. */
  python?: readonly string[]
}

async function needsOf({ content }: FetchedPlugin): Promise<Needs> {
  if (content.kind === 'wheel') return { python: [content.file] }
  const { npm, python } = await readNeeds(content)
  return { ...(Object.keys(npm).length > 0 && { npm }), ...(python.length > 0 && { python }) }
}

/** Undefined also where the record is broken: then whatever is there is replaced. */
async function readRecord(path: string): Promise<InstallationRecord | undefined> {
  const file = join(path, installationFileName)
  try {
    const found = await readSmallFile(file)
    return found && parseInstallation(found.text, file)
  } catch (error) {
    if (isLmappError(error, 'config-invalid')) return undefined
    throw error
  }
}

interface Draft {
  wanted: WantedPlugin
  fetched: FetchedPlugin
  needs: Needs
  staging: Staging
  path: string
}

async function install(
  draft: Draft,
  context: InstallContext,
  beforeMove: () => Promise<void> = async () => {},
): Promise<InstallationRecord> {
  const { wanted, fetched, staging, path } = draft
  try {
    await installNeeds(draft, context)
    const directory = await findDirectory(draft)
    const programs = draft.needs.python ? toPrograms() : undefined
    const record: InstallationRecord = {
      format: 1,
      name: fetched.manifest.name,
      version: fetched.manifest.version,
      source: wanted.source,
      sha256: fetched.sha256,
      directory: toSlashes(relative(staging.plugin, directory)),
      ...(programs && { programs }),
      installedAt: new Date().toISOString(),
    }
    const text = `${JSON.stringify(record, undefined, 2)}\n`
    await writeFile(join(staging.plugin, installationFileName), text, { mode: 0o600, flush: true })
    context.signal.throwIfAborted()
    await beforeMove()
    await moveIntoPlace(staging, context.installedDir, record.name)
    return record
  } catch (error) {
    throw toInstallError(error, path)
  }
}

const environmentName = 'venv'

async function installNeeds({ needs, staging, path, fetched }: Draft, context: InstallContext): Promise<void> {
  const { name } = fetched.manifest
  try {
    if (needs.npm) {
      context.report(`installing what ${name} needs, with npm`)
      await installNpm(needs.npm, staging.plugin, context)
    }
    if (needs.python) {
      context.report(`installing ${name} and what it needs, with pip`)
      const folder = join(staging.plugin, environmentName)
      const environment = {
        folder,
        finalFolder: join(path, environmentName),
        install: needs.python,
        work: staging.work,
      }
      await makeEnvironment(environment, context)
    }
  } catch (error) {
    if (!context.offline || !isLmappError(error, 'download-failed')) throw error
    const message = `"${name}" needs packages that are not on this machine, and LMAPP_OFFLINE forbids fetching them.`
    throw new LmappError('offline', message, { hint: error.hint, cause: error })
  }
}

/** Where the manifest is now: it must still be the one that was shown. */
async function findDirectory({ fetched, staging }: Draft): Promise<string> {
  const { content, manifestText } = fetched
  if (content.kind === 'tree') return content.folder
  const file = join(await packagesIn(join(staging.plugin, environmentName)), content.member)
  const found = await readFile(file, 'utf8').catch(() => undefined)
  if (found === manifestText) return dirname(file)
  throw new LmappError(
    'bad-input',
    `pip installed another manifest of "${fetched.manifest.name}" than the wheel has.`,
    {
      hint: 'Do not use this plugin, or report it to who makes it',
      details: { file },
    },
  )
}

function toPrograms(): Record<string, string> {
  const program = toSlashes(programIn(environmentName, 'python'))
  return { python: program, python3: program }
}

const toSlashes = (path: string): string => path.split(sep).join('/')
