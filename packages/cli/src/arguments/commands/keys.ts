import type { CommandSpec } from '../command-spec.ts'
import { json } from './shared-options.ts'

export const keysCommand: CommandSpec = {
  name: 'keys',
  summary: 'who else may use the APIs',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'keys create',
      summary: 'a key for a program; its secret is shown once, on stdout',
      operands: ['NAME'],
      options: [
        json,
        {
          name: 'scope',
          value: 'SCOPE',
          repeatable: true,
          help: 'chat (default), models (fetch, delete) or admin (all)',
        },
      ],
      load: async () => (await import('../../commands/keys.ts')).createKey,
    },
    {
      name: 'keys list',
      summary: 'the keys, what they are for and when they were last used',
      operands: [],
      options: [json],
      load: async () => (await import('../../commands/keys.ts')).listKeys,
    },
    {
      name: 'keys revoke',
      summary: 'ends a key, at once and for good',
      operands: ['NAME'],
      options: [json],
      load: async () => (await import('../../commands/keys.ts')).revokeKey,
    },
  ],
}
