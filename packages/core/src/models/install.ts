import { lstat, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { syncFolder, toDiskError } from './disk.ts'
import type { FetchedFile } from './fetch-context.ts'
import { type GgufHeader, readGgufHeader } from './gguf.ts'
import type { LibraryModel } from './models.ts'
import { removePart, removePartIdentity } from './part-file.ts'

/** Looks into the file and gives it its name. A file that is no model is removed. */
export async function install(fetched: FetchedFile, modelsDir: string, license?: string): Promise<LibraryModel> {
  const header = await readChecked(fetched)
  const model = toModel(fetched, modelsDir, header, license)
  const { path, ...kept } = model
  const description = sidecarPath(modelsDir, model.name)
  try {
    await writeFile(`${description}.part`, `${JSON.stringify(kept, undefined, 2)}\n`, { flush: true, mode: 0o600 })
    await rename(`${description}.part`, description)
    await rename(fetched.partPath, path)
    await syncFolder(modelsDir)
  } catch (error) {
    throw toDiskError(error, path)
  }
  await removePartIdentity(fetched.partPath)
  return model
}

/** Whole files with their description, by name. What lies beside them is ignored. */
export async function listInstalled(modelsDir: string): Promise<LibraryModel[]> {
  const names = await readdir(modelsDir).catch(() => [])
  const models = names.filter((name) => name.endsWith(modelExtension)).map((name) => readInstalled(modelsDir, name))
  const found = (await Promise.all(models)).flatMap((model) => model ?? [])
  return found.sort((one, other) => one.name.localeCompare(other.name))
}

/** The bytes that are really free again. */
export async function uninstall(model: LibraryModel, modelsDir: string): Promise<number> {
  const description = sidecarPath(modelsDir, model.name)
  const { size } = await stat(description)
  const file = await lstat(model.path)
  await rm(model.path)
  await rm(description)
  await removePart(`${model.path}.part`)
  // A link is only a name: what it leads to, or another name of the file, stays.
  const isLast = file.isFile() && file.nlink === 1
  return (isLast ? model.sizeBytes : 0) + size
}

const modelExtension = '.gguf'

const sidecarPath = (modelsDir: string, name: string): string => join(modelsDir, `${name}.json`)

async function readChecked({ partPath, source }: FetchedFile): Promise<GgufHeader> {
  try {
    const header = await readGgufHeader(partPath)
    if (header.parts === 1) return header
    throw new LmappError(
      'unsupported',
      `${source} is one of ${header.parts} parts, and lmapp reads models of one file.`,
    )
  } catch (error) {
    await removePart(partPath)
    throw error
  }
}

function toModel(fetched: FetchedFile, modelsDir: string, header: GgufHeader, license?: string): LibraryModel {
  const { name, sizeBytes, sha256, source } = fetched
  const { quantization, parameters, contextLength } = header
  const terms = license ?? header.license
  return {
    name,
    path: join(modelsDir, name + modelExtension),
    sizeBytes,
    sha256,
    family: header.architecture,
    parameters,
    ...(terms !== undefined && { license: terms }),
    ...(quantization !== undefined && { quantization }),
    ...(contextLength !== undefined && { contextLength }),
    source,
    fetchedAt: new Date().toISOString(),
  }
}

async function readInstalled(modelsDir: string, file: string): Promise<LibraryModel | undefined> {
  const path = join(modelsDir, file)
  try {
    const { size } = await stat(path)
    const model = parseSidecar(
      JSON.parse(await readFile(sidecarPath(modelsDir, file.slice(0, -modelExtension.length)), 'utf8')),
    )
    return model && model.sizeBytes === size && `${model.name}${modelExtension}` === file
      ? { ...model, path }
      : undefined
  } catch {
    return undefined
  }
}

function parseSidecar(value: unknown): Omit<LibraryModel, 'path'> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { name, sizeBytes, sha256, source, fetchedAt, contextLength, ...rest } = value as Record<string, unknown>
  const required = { name, sha256, source, fetchedAt }
  if (!isTexts(required) || !Number.isSafeInteger(sizeBytes)) return undefined
  const { license, quantization, parameters, family } = rest
  const optional = Object.entries({ license, quantization, parameters, family })
  return {
    ...required,
    sizeBytes: Number(sizeBytes),
    ...Object.fromEntries(optional.filter(([, item]) => typeof item === 'string')),
    ...(typeof contextLength === 'number' && { contextLength }),
  }
}

function isTexts<Key extends string>(value: Record<Key, unknown>): value is Record<Key, string> {
  return Object.values(value).every((item) => typeof item === 'string')
}
