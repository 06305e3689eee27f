import { basename, dirname } from 'node:path'
import {
  currentPlatform,
  type DiscoveredPlugin,
  type Discovery,
  discoverPlugins,
  type PluginFolder,
  stampOfFolders,
} from '@lmapp/backends/plugins'
import type { BackendType } from '@lmapp/core/backends'
import { isLmappError, LmappError } from 'lmapp-kit'
import { createPluginType, type PluginSurroundings } from './plugin-type.ts'

/** The plugins that are on this machine now, as types beside the built-in ones. */
export interface PluginCatalogue {
  /** The built-in ones first. The same map as long as nothing was added, changed or removed. Runs nothing. */
  types(): Promise<ReadonlyMap<string, BackendType>>
  /** As it was found by the last `types`, by its name. */
  plugin(name: string): DiscoveredPlugin | undefined
  /** What cannot be used, as it was found by the last `types`. */
  readonly troubles: readonly PluginTrouble[]
}

export interface PluginTrouble {
  /** Of the folder that has it. */
  folder: string
  /** The plugin that has the name, when that is what is wrong. */
  winner?: string
  error: LmappError
}

export interface PluginCatalogueOptions extends PluginSurroundings {
  folders: readonly PluginFolder[]
  builtIn: readonly BackendType[]
  /** Told once of each trouble, as long as it lasts. */
  onTrouble: (message: string) => void
  now?: () => number
}

/** A folder that was added is seen after at most this. */
const freshMs = 250

/** Looks at the folders again when it is asked, and not more often than a look is worth. */
export function createPluginCatalogue(options: PluginCatalogueOptions): PluginCatalogue {
  const { folders, builtIn, onTrouble, now = Date.now } = options
  let found: (Catalogued & { stamp: string }) | undefined
  let troubles: PluginTrouble[] = []
  let lookedAt = 0
  let looking: Promise<ReadonlyMap<string, BackendType>> | undefined

  /** A folder that cannot be read is told of, and takes nothing away. */
  const lookOn = () =>
    look().catch((error) => {
      if (!isLmappError(error)) throw error
      onTrouble(error.message)
      found ??= { stamp: '', types: new Map(builtIn.map((type) => [type.name, type])), plugins: new Map() }
      return found.types
    })

  const look = async () => {
    const stamp = await stampOfFolders(folders)
    if (found?.stamp === stamp) return found.types
    const { troubles: wrong, ...catalogued } = toTypes(await discoverPlugins(folders), options)
    const known = new Set(troubles.map(({ error }) => error.message))
    for (const { error } of wrong) if (!known.has(error.message)) onTrouble(error.message)
    troubles = wrong
    found = { stamp, ...catalogued }
    return found.types
  }

  return {
    async types() {
      if (found && now() - lookedAt < freshMs) return found.types
      looking ??= lookOn().finally(() => {
        looking = undefined
        lookedAt = now()
      })
      return looking
    },
    plugin: (name) => found?.plugins.get(name),
    get troubles() {
      return troubles
    },
  }
}

interface Catalogued {
  types: ReadonlyMap<string, BackendType>
  plugins: ReadonlyMap<string, DiscoveredPlugin>
}

function toTypes(
  { plugins, warnings }: Discovery,
  { builtIn, environment, records }: PluginCatalogueOptions,
): Catalogued & { troubles: PluginTrouble[] } {
  const types = new Map(builtIn.map((type) => [type.name, type]))
  const usable = new Map<string, DiscoveredPlugin>()
  const troubles = warnings.map((error) => toTrouble(error))
  for (const plugin of plugins) {
    const { name, platforms } = plugin.manifest
    if (types.has(name)) troubles.push(toTrouble(nameTaken(plugin), name))
    else if (plugin.runsHere) {
      types.set(name, createPluginType(plugin, { environment, records }))
      usable.set(name, plugin)
    } else troubles.push(toTrouble(runsElsewhere(plugin, platforms ?? [])))
  }
  return { types, plugins: usable, troubles }
}

/** Errors of discovery name the file; the folder that it is in is what people know. */
function toTrouble(error: LmappError, winner?: string): PluginTrouble {
  const { file, path, name } = error.details ?? {}
  const folder = basename(typeof file === 'string' ? dirname(file) : String(path))
  const taken = winner ?? (error.details?.first !== undefined && typeof name === 'string' ? name : undefined)
  return { folder, error, ...(taken !== undefined && { winner: taken }) }
}

function nameTaken({ file, directory, manifest: { name } }: DiscoveredPlugin): LmappError {
  return new LmappError('config-invalid', `${file}: another backend is called "${name}" already.`, {
    hint: `Give it another name, or remove the folder ${directory}`,
    details: { file },
  })
}

function runsElsewhere({ file, directory, manifest: { name } }: DiscoveredPlugin, platforms: string[]): LmappError {
  return new LmappError(
    'unsupported',
    `${file}: "${name}" runs on ${platforms.join(', ')}, not on ${currentPlatform}.`,
    {
      hint: `Remove the folder ${directory}`,
      details: { file, platforms },
    },
  )
}
