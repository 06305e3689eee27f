import { access } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { modelInArguments } from '@lmapp/backends/llama-server'
import { findLlamafiles } from '@lmapp/backends/llamafile'
import type { ModelFile, ModelFiles } from '@lmapp/backends/model-processes'
import type { BackendContext, BackendDefinition } from '@lmapp/core/backends'
import {
  type DiskModels,
  type KnownModel,
  type LibraryModel,
  type ModelLibrary,
  readLlamafile,
} from '@lmapp/core/models'
import { LmappError } from 'lmapp-kit'
import type { EmbeddedModels } from './embedded-models.ts'
import { describeFile } from './file-facts.ts'

export interface EngineModelsOptions {
  library: ModelLibrary
  disk: DiskModels
  /** All GGUF files of this machine, by the names that people know. */
  embedded: EmbeddedModels
  /** Where llamafiles are looked for. */
  llamafileFolders: () => Promise<readonly string[]>
  environment: NodeJS.ProcessEnv
}

/** With whose it is. */
type EngineModel = ModelFile & Pick<KnownModel, 'origin' | 'keeper'>

/** The model files of the engines that lmapp starts. */
export interface EngineModels {
  /** Lists those that the configuration names; finds every GGUF file of this machine. */
  gguf(definition: BackendDefinition, context: BackendContext): ModelFiles
  /** Lists llamafiles as well, and finds both. */
  llamafiles(definition: BackendDefinition, context: BackendContext): ModelFiles
}

export function createEngineModels(options: EngineModelsOptions): EngineModels {
  const { library, embedded } = options

  const findGguf = async (name: string, definition: BackendDefinition, context: BackendContext) => {
    const { models: _models, ...config } = definition.config
    const all = await embedded.look({ ...definition, config }, context)
    return all.flatMap(toModelFile).find(({ id }) => id === name)
  }

  const files = (
    definition: BackendDefinition,
    context: BackendContext,
    more: () => Promise<EngineModel[]>,
  ): ModelFiles => {
    const list = async () => withoutRepeats([...(await listConfigured(definition, options)), ...(await more())])
    return {
      list,
      async find(name) {
        const listed = await list()
        const found = listed.find(({ id }) => id === name) ?? (await findGguf(name, definition, context))
        if (found) return found
        throw toMissing(name, definition, listed)
      },
    }
  }

  return {
    gguf: (definition, context) => files(definition, context, async () => []),
    llamafiles: (definition, context) =>
      files(definition, context, async () => {
        const fetched = (await library.list('llamafile')).map(toLlamafile)
        return [...fetched, ...(await listFound(options))]
      }),
  }
}

async function listConfigured(
  definition: BackendDefinition,
  { library, disk }: EngineModelsOptions,
): Promise<ModelFile[]> {
  const places = Object.entries(placesOf(definition))
  const fetched = places.some(([, place]) => !isAbsolute(String(place))) ? await library.list() : []
  const described = places.map(async ([name, place]) => {
    const path = isAbsolute(String(place)) ? String(place) : fetched.find(isFrom(String(place)))?.path
    if (path === undefined || !(await isThere(path))) return []
    return [{ ...withMemory((await describeFile(path, disk)) ?? {}), id: name, path }]
  })
  return (await Promise.all(described)).flat()
}

/** Paths and references, by the names that the configuration gives them. */
function placesOf({ id, config }: BackendDefinition): Record<string, unknown> {
  const named = modelInArguments(config.args ?? [])
  return config.models ?? (named === undefined ? {} : { [id]: resolve(named) })
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** `hf:owner/repo` means the one that was chosen of it. */
function isFrom(reference: string): (model: LibraryModel) => boolean {
  return ({ source, name }) => source === reference || source.startsWith(`${reference}:`) || name === reference
}

async function listFound({ llamafileFolders, environment }: EngineModelsOptions): Promise<EngineModel[]> {
  const found = await findLlamafiles({ folders: await llamafileFolders(), environment })
  const models = found.filter(({ holdsModel }) => holdsModel)
  return Promise.all(
    models.map(async ({ name, path, sizeBytes, modifiedAt }) => ({
      ...withMemory({ ...(await describeLlamafile(path)), sizeBytes, modifiedAt }),
      id: name,
      path,
      origin: 'llamafile',
      keeper: { name: 'you', remove: `Remove the file: ${path}` },
    })),
  )
}

/** A stranger's file tells what it can, or nothing. */
async function describeLlamafile(path: string): Promise<Partial<KnownModel>> {
  try {
    const header = await readLlamafile(path, { isProven: true })
    if (!header) return {}
    const { parameters, quantization, contextLength, architecture, memory } = header
    return {
      parameters,
      family: architecture,
      memory,
      ...(quantization !== undefined && { quantization }),
      ...(contextLength !== undefined && { contextLength }),
    }
  } catch {
    return {}
  }
}

function toLlamafile({
  name,
  fetchedAt,
  sha256,
  source: _source,
  format: _format,
  ...model
}: LibraryModel): EngineModel {
  return { ...model, id: name, modifiedAt: fetchedAt, digest: `sha256:${sha256}`, origin: 'lmapp' }
}

function toModelFile(model: KnownModel): ModelFile[] {
  const { id, path } = model
  return path === undefined ? [] : [{ ...withMemory(model), id, path }]
}

/** What the file says of its context, with the size that goes with it. */
function withMemory({ memory, ...facts }: Partial<KnownModel>): Omit<ModelFile, 'id' | 'path'> {
  const { sizeBytes, id: _id, path: _path, ...others } = facts
  if (sizeBytes === undefined) return others
  return { ...others, sizeBytes, ...(memory && { memory: { ...memory, sizeBytes } }) }
}

function withoutRepeats(files: readonly ModelFile[]): ModelFile[] {
  const seen = new Set<string>()
  return files.filter(({ id }) => !seen.has(id) && seen.add(id))
}

/** What the configuration names and is not there says how it is fetched, or what to correct. */
function toMissing(name: string, definition: BackendDefinition, listed: ModelFile[]): LmappError {
  const { id } = definition
  const place = placesOf(definition)[name]
  if (place === undefined) {
    const known = listed.map((file) => file.id)
    return new LmappError('model-not-found', `No model is called "${name}" on "${id}".`, { details: { name, known } })
  }
  const isFile = isAbsolute(String(place))
  const message = isFile
    ? `The file of the model "${name}" of "${id}" is not there: ${place}`
    : `The model "${name}" of "${id}" is not on this machine yet.`
  const hint = isFile ? 'Correct its path: lmapp config edit' : `Fetch it: lmapp models pull ${place}`
  return new LmappError('model-not-found', message, { hint, details: { name } })
}
