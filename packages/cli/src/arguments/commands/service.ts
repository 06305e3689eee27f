import type { CommandSpec } from '../command-spec.ts'
import { json, lines } from './shared-options.ts'

export const serviceCommand: CommandSpec = {
  name: 'service',
  summary: 'the background service',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'service status',
      summary: 'whether it runs',
      operands: [],
      options: [json],
      load: async () => (await import('../../commands/service.ts')).serviceStatus,
    },
    {
      name: 'service stop',
      summary: 'ends it; running answers are kept as far as they are',
      operands: [],
      options: [json],
      load: async () => (await import('../../commands/service.ts')).stopService,
    },
    {
      name: 'service logs',
      summary: 'the end of its log',
      operands: [],
      options: [lines],
      load: async () => (await import('../../commands/service.ts')).serviceLogs,
    },
  ],
}
