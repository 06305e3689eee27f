import type { Stats } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskNotice, FoundFile } from './disk-model.ts'
import { type FileCache, toRecord } from './file-cache.ts'
import { type WalkedFile, type WalkOptions, walk } from './walk.ts'

/** What a manifest says of a model that is one GGUF file; undefined for what runs elsewhere or is no GGUF. */
interface Manifest {
  /** `sha256:…` */
  model?: string
  license?: string
}

type Surroundings = Omit<WalkOptions, 'root' | 'filter' | 'enters' | 'isNamed'>

/**
 * Ollama's models: `manifests/HOST/NAMESPACE/MODEL/TAG` name blobs by their content. `root` holds `manifests` and `blobs`.
 * A model that Ollama puts together of several layers, with an adapter, is another model than its file: it is left out.
 */
export async function findOllamaFiles(root: string, around: Surroundings): Promise<FoundFile[]> {
  const manifests = await walk({ ...around, root: join(root, 'manifests'), filter: 'all', enters: () => true })
  const found = await Promise.all(manifests.map((file) => toFound(file, root, around)))
  return found.flatMap((file) => file ?? [])
}

const mostManifestBytes = 1_048_576

async function toFound(
  { path, segments, stats }: WalkedFile,
  root: string,
  { cache, notice }: Surroundings,
): Promise<FoundFile | undefined> {
  const name = toName(segments)
  if (name === undefined) return undefined
  const manifest = await readManifest({ path, stats, root, cache, notice })
  if (manifest?.model === undefined) return undefined
  return {
    program: 'ollama',
    origin: 'ollama',
    path: toBlob(root, manifest.model),
    names: [name],
    digest: manifest.model,
    ...(manifest.license !== undefined && { license: manifest.license }),
  }
}

/** As `ollama list` says it, where `:latest` goes without saying. */
function toName(segments: readonly string[]): string | undefined {
  if (segments.length < 4) return undefined
  const [host = '', ...rest] = segments
  const [tag = '', model = '', ...spaces] = rest.toReversed()
  const space = spaces.toReversed().join('/')
  const isStandard = host === 'registry.ollama.ai'
  const words = isStandard && space === 'library' ? [model] : isStandard ? [space, model] : [host, space, model]
  return words.join('/') + (tag === 'latest' ? '' : `:${tag}`)
}

interface Reading {
  path: string
  stats: Stats
  root: string
  cache: FileCache
  notice(notice: DiskNotice): void
}

async function readManifest({ path, stats, root, cache, notice }: Reading): Promise<Manifest | undefined> {
  try {
    return await cache.get(path, stats, {
      read: async () => {
        if (stats.size > mostManifestBytes) throw new SyntaxError('it is too long')
        const { model, license } = toManifest(JSON.parse(await readFile(path, 'utf8')))
        const terms = license === undefined ? undefined : await readFirstLine(toBlob(root, license))
        return { ...(model !== undefined && { model }), ...(terms !== undefined && { license: terms }) }
      },
      parse: parseCached,
    })
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is no manifest of Ollama' : 'cannot be read'
    notice({ kind: 'broken', path, message: `${path} ${why}.` })
    return undefined
  }
}

/** Digests of the layers that matter. */
function toManifest(value: unknown): { model?: string; license?: string } {
  const { layers } = toRecord(value)
  if (!Array.isArray(layers)) throw new SyntaxError('it has no layers')
  const found: { model?: string; license?: string } = {}
  let models = 0
  for (const layer of layers.map(toRecord)) {
    const { mediaType, digest } = layer
    if (typeof digest !== 'string' || !digestPattern.test(digest)) continue
    if (mediaType === 'application/vnd.ollama.image.adapter') return {}
    if (mediaType === 'application/vnd.ollama.image.model') {
      found.model = digest
      models += 1
    } else if (mediaType === 'application/vnd.ollama.image.license') found.license ??= digest
  }
  return models === 1 ? found : {}
}

const digestPattern = /^sha256:[0-9a-f]{64}$/

function parseCached(value: unknown): Manifest | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { model, license } = toRecord(value)
  if (model !== undefined && !(typeof model === 'string' && digestPattern.test(model))) return undefined
  if (license !== undefined && typeof license !== 'string') return undefined
  return { ...(model !== undefined && { model }), ...(license !== undefined && { license }) }
}

function toBlob(root: string, digest: string): string {
  return join(root, 'blobs', digest.replace(':', '-'))
}

/** Licences are whole texts; their first line names them. */
async function readFirstLine(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined
    await using file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0)
    const [line] = buffer
      .toString('utf8', 0, bytesRead)
      .trim()
      .split(/\s*[\r\n]/)
    return line === undefined || line === '' ? undefined : line.slice(0, 80)
  } catch {
    return undefined
  }
}
