import { chmod, lstat, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { syncFolder, toDiskError } from './disk.ts'
import type { FetchedFile } from './fetch-context.ts'
import { type GgufHeader, readGgufHeader } from './gguf.ts'
import { readLlamafile } from './llamafile.ts'
import type { LibraryModel, ModelFormat } from './models.ts'
import { removePart, removePartIdentity } from './part-file.ts'

/** Looks into the file and gives it its name. A file that is no model is removed. */
export async function install(fetched: FetchedFile, modelsDir: string, license?: string): Promise<LibraryModel> {
  const header = await readChecked(fetched)
  const model = toModel(fetched, modelsDir, header, license)
  const { path, ...kept } = model
  const description = sidecarPath(modelsDir, model.name, model.format)
  try {
    if (model.format === 'llamafile') await makeRunnable(fetched.partPath)
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

/** Whole files of one format with their description, by name. What lies beside them is ignored. */
export async function listInstalled(modelsDir: string, format: ModelFormat): Promise<LibraryModel[]> {
  const extension = `.${format}`
  const files = (await readdir(modelsDir).catch(() => [])).filter((file) => file.endsWith(extension))
  const models = files.map((file) => readInstalled(modelsDir, file.slice(0, -extension.length), format))
  const found = (await Promise.all(models)).flatMap((model) => model ?? [])
  return found.sort((one, other) => one.name.localeCompare(other.name))
}

/** The bytes that are really free again. */
export async function uninstall(model: LibraryModel, modelsDir: string): Promise<number> {
  const description = sidecarPath(modelsDir, model.name, model.format)
  const { size } = await stat(description)
  const file = await lstat(model.path)
  await rm(model.path)
  await rm(description)
  await removePart(`${model.path}.part`)
  // A link is only a name: what it leads to, or another name of the file, stays.
  const isLast = file.isFile() && file.nlink === 1
  return (isLast ? model.sizeBytes : 0) + size
}

function sidecarPath(modelsDir: string, name: string, format: ModelFormat): string {
  return join(modelsDir, format === 'gguf' ? `${name}.json` : `${name}.${format}.json`)
}

/** A second name of a file of the user's that may be run already stays as it is. */
async function makeRunnable(path: string): Promise<void> {
  const { nlink } = await stat(path)
  if (nlink === 1) await chmod(path, 0o755)
}

/** What the weights say about themselves; absent where those of a llamafile do not tell. */
async function readChecked({ partPath, source, format, isProven }: FetchedFile): Promise<GgufHeader | undefined> {
  try {
    if (format === 'llamafile') return await readLlamafile(partPath, { isProven })
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

function toModel(
  fetched: FetchedFile,
  modelsDir: string,
  header: GgufHeader | undefined,
  license?: string,
): LibraryModel {
  const { name, format, sizeBytes, sha256, source } = fetched
  const { quantization, contextLength } = header ?? {}
  const terms = license ?? header?.license
  return {
    name,
    format,
    path: join(modelsDir, `${name}.${format}`),
    sizeBytes,
    sha256,
    ...(header && { family: header.architecture, parameters: header.parameters }),
    ...(terms !== undefined && { license: terms }),
    ...(quantization !== undefined && { quantization }),
    ...(contextLength !== undefined && { contextLength }),
    source,
    fetchedAt: new Date().toISOString(),
  }
}

async function readInstalled(modelsDir: string, name: string, format: ModelFormat): Promise<LibraryModel | undefined> {
  const path = join(modelsDir, `${name}.${format}`)
  try {
    const { size } = await stat(path)
    const model = parseSidecar(JSON.parse(await readFile(sidecarPath(modelsDir, name, format), 'utf8')))
    return model && model.sizeBytes === size && model.name === name ? { ...model, format, path } : undefined
  } catch {
    return undefined
  }
}

function parseSidecar(value: unknown): Omit<LibraryModel, 'path' | 'format'> | undefined {
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
