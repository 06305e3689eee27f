import assert from 'node:assert/strict'
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ErrorCode, isLmappError, type LmappError } from 'lmapp-kit'
import { type DiscoveredPlugin, discoverPlugins } from '../../discover-plugins.ts'
import type { InstallationRecord, InstallationSource } from '../../installation.ts'
import type { WantedPlugin } from '../plugin-source.ts'
import { type InstallContext, preparePlugin } from '../prepare-plugin.ts'
import { pluginFiles, writeFiles } from './plugin-files.ts'
import { openRegistry, type RegistryContent, type RegistryServer, registryVariables } from './registry-server.ts'

export interface InstallOptions extends Partial<InstallContext> {
  registry?: RegistryServer
  variables?: Record<string, string | undefined>
}

/** A folder to install from and into, as the command does. Disposing removes it and closes its registries. */
export interface InstallFixture extends AsyncDisposable {
  folder: string
  installedDir: string
  contextOf(options?: InstallOptions): InstallContext
  install(wanted: WantedPlugin, options?: InstallOptions): Promise<InstallationRecord>
  /** Names in the folder of what is installed. */
  installed(): Promise<string[]>
  discover(): Promise<DiscoveredPlugin[]>
  serve(content: RegistryContent): Promise<RegistryServer>
  /** The folder of a plugin `bee`, with these files too. */
  bee(files?: Record<string, string>): Promise<string>
}

export async function openInstallFixture(): Promise<InstallFixture> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lmapp-install-')))
  const installedDir = join(folder, 'data', 'backends')
  const registries: RegistryServer[] = []

  function contextOf({ registry, variables, ...others }: InstallOptions = {}): InstallContext {
    return {
      installedDir,
      takenNames: new Set(['ollama']),
      environment: {
        PATH: process.env.PATH,
        HOME: folder,
        PYENV_ROOT: process.env.PYENV_ROOT,
        SECRET_KEY: 'sk-1',
        // Nobody else is ever asked.
        ...registryVariables(registry?.url ?? 'http://127.0.0.1:9', folder),
        ...variables,
      },
      offline: false,
      signal: new AbortController().signal,
      report: () => {},
      ...others,
    }
  }

  return {
    folder,
    installedDir,
    contextOf,
    async install(wanted, options) {
      await using prepared = await preparePlugin(wanted, contextOf(options))
      return await prepared.install()
    },
    installed: async () => (await readdir(installedDir).catch(() => [])).sort(),
    discover: async () => (await discoverPlugins([{ installed: installedDir }])).plugins,
    async serve(content) {
      const registry = await openRegistry(content)
      registries.push(registry)
      return registry
    },
    bee: (files = {}) => writeFiles(join(folder, 'bee'), { ...pluginFiles('bee'), ...files }),
    async [Symbol.asyncDispose]() {
      for (const registry of registries) await registry[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

export const from = (kind: InstallationSource['kind'], text: string): WantedPlugin => ({ source: { kind, from: text } })

/** What it was rejected with. */
export async function failure(run: Promise<unknown>, code: ErrorCode): Promise<LmappError> {
  const error = await run.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(isLmappError(error, code), String(error))
  return error
}
