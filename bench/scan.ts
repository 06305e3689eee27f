/** How long it takes to find 200 model files of other programs: without a cache of headers, and with one. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDiskModels } from '../packages/core/src/models/on-disk/disk-models.ts'
import {
  modelBytes,
  ollamaLayer,
  putFile,
  putHubFile,
  putOllamaModel,
} from '../packages/core/src/models/testing/disk-trees.ts'
import { ms, toFigures } from './measure.ts'

type Row = (what: string, measured: string, floor: string, goal: string, met: boolean) => void

const rounds = 9
/** Every so manieth model has a vocabulary as large as today's. */
const largeEvery = 10

/** Beside it: only the file system's answers for the same files, one after the other. */
export async function measureScan(row: Row): Promise<void> {
  const homeDir = await mkdtemp(join(tmpdir(), 'lmapp-scan-'))
  try {
    await layOut(homeDir)
    const cold = await measure(homeDir, async () => rm(join(homeDir, 'cache'), { recursive: true, force: true }))
    const started = await measure(homeDir, async () => {})
    const scanner = open(homeDir)
    await scanner.list()
    const warm = toFigures(await times(() => scanner.list()))
    row('finding 200 model files, no cache', ms(cold), '–', '≤ 300 ms', cold <= 300)
    row('the same by a new service, with the cache', ms(started), '–', '≤ 20 ms', started <= 20)
    row('the same again', ms(warm.p50), '–', '≤ 20 ms', warm.p50 <= 20)
  } finally {
    await rm(homeDir, { recursive: true, force: true })
  }
}

const open = (homeDir: string) =>
  createDiskModels({
    homeDir,
    platform: 'darwin',
    cacheDir: join(homeDir, 'cache'),
    environment: {},
    settings: async () => ({ scan: true, folders: [join(homeDir, 'models')] }),
  })

async function measure(homeDir: string, prepare: () => Promise<void>): Promise<number> {
  const values: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    await prepare()
    values.push(...(await times(() => open(homeDir).list(), 1)))
  }
  return toFigures(values).p50
}

async function times(look: () => Promise<{ models: unknown[] }>, count = rounds): Promise<number[]> {
  const values: number[] = []
  for (let round = 0; round < count; round += 1) {
    const startedAt = performance.now()
    const { models } = await look()
    values.push(performance.now() - startedAt)
    if (models.length !== 200) throw new Error(`found ${models.length} models of 200`)
  }
  return values
}

/** 80 of Ollama, 40 each of LM Studio, the hub and a folder; 32 layers, every tenth with 150,000 tokens and as many merges, the others with 32,000 tokens. */
export async function layOut(homeDir: string): Promise<void> {
  await mkdir(homeDir, { recursive: true })
  for (let index = 0; index < 200; index += 1) {
    const words = index % largeEvery === 0 ? 150_000 : 32_000
    const bytes = modelBytes({ 'general.name': { type: 'text', value: `Model ${index}` } }, { words, layers: 32 })
    const name = `model-${index}`
    if (index < 80) {
      const tag = `registry.ollama.ai/library/${name}/8b`
      await putOllamaModel(join(homeDir, '.ollama/models'), tag, [ollamaLayer('model', bytes)])
    } else if (index < 120)
      await putFile(join(homeDir, '.lmstudio/models/maker', `${name}-GGUF`, `${name}-Q4_K_M.gguf`), bytes)
    else if (index < 160) {
      const hub = join(homeDir, '.cache/huggingface/hub')
      await putHubFile(hub, { repository: `maker/${name}-GGUF`, name: `${name}-Q4_K_M.gguf`, bytes })
    } else await putFile(join(homeDir, 'models', `${name}-Q4_K_M.gguf`), bytes)
  }
}
