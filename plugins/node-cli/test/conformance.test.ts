import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeBackend } from 'lmapp-kit/testkit'
import { createBackend, model } from './support/open-backend.ts'

const { config } = JSON.parse(readFileSync(join(import.meta.dirname, '../lmapp-verify.json'), 'utf8'))

await describeBackend({
  name: 'node-cli over a program that takes settings and tells its usage',
  open: () =>
    createBackend({
      ...config,
      command: [...model, '--model', '{model}'],
      modelsCommand: [...model, '--list'],
    }),
  model: 'parrot',
  unsupportedSetting: { name: 'topK', options: { topK: 5 } },
  scenarios: {
    loadFails: 'unloadable',
    drop: 'killed',
    error: 'breaks',
    stall: 'stalls',
    hang: 'hangs',
    refuse: 'refuses',
    failAtOnce: 'refuses',
  },
  deadlineMs: 20_000,
})

const plain = join(import.meta.dirname, 'fixtures/plain.sh')
const untold = 'the program does not say how many tokens it used, and nobody else can'

await describeBackend({
  name: 'node-cli over a program that takes a prompt and nothing else',
  open: () => createBackend({ command: ['/bin/sh', plain, '{prompt}'], models: ['it'], parallel: 4 }),
  model: 'it',
  unsupportedSetting: { name: 'seed', options: { seed: 5 } },
  prompts: { overflow: 'The quick brown fox jumps over the lazy dog. '.repeat(4000) },
  skip: [
    { requirement: 'chat.usage', reason: untold },
    { requirement: 'chat.usage-grows', reason: untold },
    { requirement: 'chat.max-tokens', reason: untold },
    { requirement: 'chat.system', reason: untold },
    { requirement: 'chat.turns', reason: untold },
    { requirement: 'chat.file', reason: untold },
  ],
  deadlineMs: 20_000,
})
