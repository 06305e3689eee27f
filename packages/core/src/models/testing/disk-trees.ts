/** Lays out model files as other programs do, for tests. Files get a date in the past, as most files have. */
import { createHash } from 'node:crypto'
import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { type GgufOptions, type GgufValue, ggufBytes, text, tinyMetadata, uint32 } from './gguf-bytes.ts'

export const longAgo = new Date('2026-01-02T03:04:05Z')

/** A model that says what its memory depends on; `words`: of its vocabulary, `layers`: nine tensors each. */
export function modelBytes(
  more: Record<string, GgufValue> = {},
  size: { words?: number; layers?: number } = {},
): Buffer {
  const { words = 3, layers = 2 } = size
  const names = ['q', 'k', 'v', 'o', 'gate', 'up', 'down', 'norm', 'ffn_norm']
  const options: GgufOptions = {
    metadata: {
      ...tinyMetadata,
      'llama.block_count': uint32(layers),
      'llama.embedding_length': uint32(64),
      'llama.attention.head_count': uint32(4),
      'llama.attention.head_count_kv': uint32(2),
      'tokenizer.ggml.model': text('gpt2'),
      'tokenizer.ggml.tokens': { type: 'texts', value: Array.from({ length: words }, (_, index) => `token${index}`) },
      ...(words > 100_000 && {
        'tokenizer.ggml.merges': {
          type: 'texts',
          value: Array.from({ length: words }, (_, index) => `to ken${index}`),
        },
      }),
      ...more,
    },
    tensors: Array.from({ length: layers }, (_, layer) =>
      names.map((name) => ({
        name: `blk.${layer}.attn_${name}.weight`,
        dimensions: [64, 64],
        type: 0,
        offset: 0,
        bytes: 16_384,
      })),
    ).flat(),
  }
  return ggufBytes(options)
}

export async function putFile(path: string, bytes: Uint8Array | string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
  await age(path)
  return path
}

/** The file, and the folders above it, as if they had not been touched for long. */
export async function age(path: string, folders = 3): Promise<void> {
  let each = path
  for (let above = 0; above <= folders; above += 1) {
    await utimes(each, longAgo, longAgo)
    each = dirname(each)
  }
}

export interface OllamaLayer {
  mediaType: string
  bytes: Uint8Array | string
}

export const ollamaLayer = (kind: string, bytes: Uint8Array | string): OllamaLayer => ({
  mediaType: `application/vnd.ollama.image.${kind}`,
  bytes,
})

/** `name`: as `registry.ollama.ai/library/llama3.2/3b`. Returns the path of the first layer's blob. */
export async function putOllamaModel(root: string, name: string, layers: readonly OllamaLayer[]): Promise<string> {
  const written = []
  for (const { mediaType, bytes } of layers) {
    const hex = createHash('sha256').update(bytes).digest('hex')
    const path = await putFile(join(root, 'blobs', `sha256-${hex}`), bytes)
    written.push({ path, layer: { mediaType, digest: `sha256:${hex}`, size: bytes.length } })
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      digest: `sha256:${'0'.repeat(64)}`,
      size: 2,
    },
    layers: written.map(({ layer }) => layer),
  }
  await putFile(join(root, 'manifests', name), JSON.stringify(manifest))
  return written[0]?.path ?? ''
}

/** A file of a repository in a cache of the hub, linked from a snapshot as the hub's own tools do. Returns the link. */
export async function putHubFile(
  hub: string,
  file: { repository: string; name: string; revision?: string; bytes: Uint8Array },
): Promise<string> {
  const folder = join(hub, `models--${file.repository.replaceAll('/', '--')}`)
  const hex = createHash('sha256').update(file.bytes).digest('hex')
  const blob = await putFile(join(folder, 'blobs', hex), file.bytes)
  const revision = file.revision ?? 'c'.repeat(40)
  const link = join(folder, 'snapshots', revision, file.name)
  await mkdir(dirname(link), { recursive: true })
  await symlink(relative(dirname(link), join(folder, 'blobs', basename(blob))), link)
  await putFile(join(folder, 'refs/main'), revision)
  for (let each = dirname(link); each !== hub; each = dirname(each)) await utimes(each, longAgo, longAgo)
  return link
}
