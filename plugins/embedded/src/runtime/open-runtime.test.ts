import assert from 'node:assert/strict'
import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { openTemporaryFolder } from '../fixtures/temporary-folder.ts'
import { openRuntime } from './open-runtime.ts'

const log = () => {}
const entry = createRequire(import.meta.url).resolve('node-llama-cpp')

test('llama.cpp is taken from the folder that is named', async () => {
  await using folder = await openTemporaryFolder()
  await mkdir(join(folder.path, 'node_modules'))
  const home = await realpath(join(dirname(entry), '..'))
  await symlink(home, join(folder.path, 'node_modules', 'node-llama-cpp'))
  const runtime = await openRuntime({ runtimeDir: folder.path, threads: 1, log })
  assert.match(runtime.engineVersion, /^llama\.cpp \S+/)
  assert.deepEqual([runtime.threads, runtime.llama.maxThreads], [1, 1])
  assert.equal(runtime.parseTemplate('{{ word }}!').render({ word: 'Hello' }), 'Hello!')
})

test('where it is not installed: tool-missing, with the way to get it', async () => {
  await using folder = await openTemporaryFolder()
  await assert.rejects(openRuntime({ runtimeDir: folder.path, threads: 1, log }), {
    code: 'tool-missing',
    hint: /lmapp backends install embedded/,
  })
})

test('where no build runs: backend-start-failed, with the platform', async () => {
  await using folder = await openTemporaryFolder()
  const modules = join(folder.path, 'node_modules')
  const files = {
    'node-llama-cpp/package.json': '{ "type": "module", "exports": "./index.js" }',
    'node-llama-cpp/index.js': `export const LlamaLogLevel = { warn: 'warn' }
      export async function getLlama() { throw new Error('no binary') }`,
    '@huggingface/jinja/package.json': '{ "type": "module", "exports": "./index.js" }',
    '@huggingface/jinja/index.js': 'export class Template {}',
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(modules, path)), { recursive: true })
    await writeFile(join(modules, path), text)
  }
  await assert.rejects(openRuntime({ runtimeDir: folder.path, threads: 1, log }), {
    code: 'backend-start-failed',
    details: { platform: process.platform, arch: process.arch },
  })
})
