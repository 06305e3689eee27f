import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import type { BackendContext, BackendDefinition } from '@lmapp/core/backends'
import type { DiskModel, DiskModels, KnownModel, LibraryModel, ModelLibrary } from '@lmapp/core/models'
import { describeFile, toFacts } from './file-facts.ts'

/** The models that the embedded backend runs, and the file by which its plugin learns where the foreign ones are. */
export interface EmbeddedModels {
  /**
   * All of them, found anew. A name is one file: that of the configuration goes first, then lmapp's own, then those of
   * other programs. The plugin is told.
   */
  list(definition: BackendDefinition, context: BackendContext): Promise<KnownModel[]>
  /** The same, and nobody is told. */
  look(definition: BackendDefinition, context: BackendContext): Promise<KnownModel[]>
  /** Makes sure that the plugin knows them by the same names; a look of a moment ago will do. */
  tell(definition: BackendDefinition, context: BackendContext): Promise<void>
  /** `{ "models": { "name": "/path" } }`, of other programs' files. */
  fileFor(context: BackendContext): string
}

const recentMs = 1_000

export function createEmbeddedModels({ library, disk }: { library: ModelLibrary; disk: DiskModels }): EmbeddedModels {
  const find = async ({ config }: BackendDefinition, { modelsDir }: BackendContext, maxAgeMs = 0) => {
    const configured = await listConfigured(config.models ?? {}, disk)
    const taken = new Set(configured.map(({ id }) => id))
    const own = (await listOwn(modelsDir, { library, disk })).filter(({ id }) => !taken.has(id))
    for (const { id } of own) taken.add(id)
    const { models } = await disk.list({ taken, maxAgeMs })
    return { known: [...configured, ...own, ...models.map(toKnownModel)], foreign: models }
  }
  const fileFor = ({ dataDir }: BackendContext) => join(dataDir, 'models.json')

  return {
    fileFor,
    async list(definition, context) {
      const { known, foreign } = await find(definition, context)
      await writePaths(fileFor(context), foreign)
      return known
    },
    async look(definition, context) {
      return (await find(definition, context)).known
    },
    async tell(definition, context) {
      await writePaths(fileFor(context), (await find(definition, context, recentMs)).foreign)
    },
  }
}

async function listConfigured(models: Record<string, unknown>, disk: DiskModels): Promise<KnownModel[]> {
  const entries = Object.entries(models).map(async ([id, place]): Promise<KnownModel> => {
    const path = String(place)
    const file = isAbsolute(path) ? await describeFile(path, disk) : undefined
    const keeper = { name: 'the configuration', remove: 'Take it out there: lmapp config edit' }
    return { ...file, id, path, keeper }
  })
  return Promise.all(entries)
}

/** What lmapp fetched, and whole models that the user put beside it. */
async function listOwn(
  modelsDir: string,
  { library, disk }: { library: ModelLibrary; disk: DiskModels },
): Promise<KnownModel[]> {
  const fetched = await library.list()
  const names = (await readdir(modelsDir).catch(() => [])).filter((name) => name.endsWith(extension))
  const others = names.map((name) => basename(name, extension)).filter((id) => !fetched.some(({ name }) => name === id))
  const own = fetched.map(async (model) => ({ ...(await describeFile(model.path, disk)), ...toModelInfo(model) }))
  const put = others.map(async (id) => {
    const path = join(modelsDir, id + extension)
    const file = await describeFile(path, disk)
    const keeper = { name: 'you', remove: `Remove the file: ${path}` }
    return file ? [{ ...file, id, path, origin: 'lmapp', keeper }] : []
  })
  return [...(await Promise.all(own)), ...(await Promise.all(put)).flat()]
}

const extension = '.gguf'

function toModelInfo({
  name,
  fetchedAt,
  sha256,
  source: _source,
  format: _format,
  ...model
}: LibraryModel): KnownModel {
  return { ...model, id: name, modifiedAt: fetchedAt, digest: `sha256:${sha256}`, origin: 'lmapp' }
}

/** As a model of somebody else's. */
export function toKnownModel(model: DiskModel): KnownModel {
  const { name, path, origin, digest, license } = model
  return {
    ...toFacts(model),
    id: name,
    path,
    origin,
    keeper: toKeeper(model),
    ...(digest !== undefined && { digest }),
    ...(license !== undefined && { license }),
  }
}

function toKeeper({ program, name, path }: DiskModel): NonNullable<KnownModel['keeper']> {
  switch (program) {
    case 'ollama':
      return { name: 'Ollama', remove: `Remove it there: ollama rm ${name.replace(/@.*$/, '')}` }
    case 'lm-studio':
      return { name: 'LM Studio', remove: 'Remove it there: My Models, Delete' }
    case 'hugging-face': {
      const [, repository = ''] = /[/\\]models--([^/\\]+)[/\\]/.exec(path) ?? []
      return {
        name: 'the Hugging Face cache',
        remove: `Remove it there: hf cache rm model/${repository.replaceAll('--', '/')}`,
      }
    }
    case 'llama.cpp':
    case 'folder':
      return { name: program === 'folder' ? 'you' : 'llama.cpp', remove: `Remove the file: ${path}` }
    default:
      return program satisfies never
  }
}

/** Aside and renamed, and only when something changed: the plugin reads it anew when its date is another. */
async function writePaths(file: string, models: readonly DiskModel[]): Promise<void> {
  const paths = Object.fromEntries(models.map(({ name, path }) => [name, path]))
  const text = `${JSON.stringify({ models: paths }, undefined, 2)}\n`
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return
  const aside = `${file}.${randomBytes(4).toString('hex')}`
  try {
    await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
    await writeFile(aside, text, { mode: 0o600 })
    await rename(aside, file)
  } catch {
    // A disk that refuses takes nothing away but these models: the plugin says of each that it does not know it.
    await rm(aside, { force: true }).catch(() => {})
  }
}
