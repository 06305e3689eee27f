import type { CommandSpec } from '../command-spec.ts'
import { json, uselessYes, yesToFetch } from './shared-options.ts'

export const modelsCommand: CommandSpec = {
  name: 'models',
  summary: 'lists, fetches and removes models',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'models list',
      summary: 'every model of every backend, and the files that other programs have here',
      operands: [],
      options: [json],
      load: async () => (await import('../../commands/models.ts')).listModels,
    },
    {
      name: 'models show',
      summary: 'what is known about one, and whether it fits the memory',
      operands: ['REF'],
      options: [json, { name: 'checksum', help: 'reads its file and computes the SHA-256' }],
      load: async () => (await import('../../commands/models.ts')).showModel,
    },
    {
      name: 'models pull',
      summary: 'fetches one: a known name, hf:owner/repo[:quant], hf:owner/repo/file, or backend/model',
      operands: ['REF'],
      options: [json, yesToFetch, { name: 'quiet', short: 'q', help: 'no progress' }],
      load: async () => (await import('../../commands/pull-model.ts')).pullModel,
    },
    {
      name: 'models remove',
      summary: 'removes one and frees its space',
      operands: ['REF'],
      options: [json, uselessYes],
      load: async () => (await import('../../commands/models.ts')).removeModel,
    },
    {
      name: 'models switch',
      summary: 'makes one the default',
      operands: ['REF'],
      options: [json],
      load: async () => (await import('../../commands/models.ts')).switchModel,
    },
  ],
}
