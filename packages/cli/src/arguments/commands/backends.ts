import type { CommandSpec, OptionSpec } from '../command-spec.ts'
import { json, lines } from './shared-options.ts'

const backendRef = ['NAME']
const yes: OptionSpec = { name: 'yes', short: 'y', help: 'does it without a question' }

export const backendsCommand: CommandSpec = {
  name: 'backends',
  summary: 'the engines that are there, and why one is not',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'backends list',
      summary: 'every backend and its state',
      operands: [],
      options: [json],
      load: async () => (await import('../../commands/backends.ts')).listBackends,
    },
    {
      name: 'backends show',
      summary: 'one in detail',
      operands: backendRef,
      options: [json],
      load: async () => (await import('../../commands/backends.ts')).showBackend,
    },
    {
      name: 'backends logs',
      summary: 'the end of its log',
      operands: backendRef,
      options: [lines],
      load: async () => (await import('../../commands/backends.ts')).backendLogs,
    },
    {
      name: 'backends start',
      summary: 'starts the engine now, not at the first question',
      operands: backendRef,
      options: [json],
      load: async () => (await import('../../commands/backends.ts')).startBackend,
    },
    {
      name: 'backends stop',
      summary: 'ends the engine, if lmapp started it',
      operands: backendRef,
      options: [json],
      load: async () => (await import('../../commands/backends.ts')).stopBackend,
    },
    {
      name: 'backends install',
      summary: 'adds a plugin: a known name, a folder, a tarball, npm:NAME or pypi:NAME; or the engine llamafile',
      operands: ['SOURCE'],
      options: [json, yes],
      load: async () => (await import('../../commands/install-backend.ts')).installBackend,
    },
    {
      name: 'backends update',
      summary: 'brings the newest version of an installed plugin, or of all',
      operands: ['[NAME]'],
      options: [json, yes],
      load: async () => (await import('../../commands/plugins/update-plugin.ts')).updatePlugins,
    },
    {
      name: 'backends remove',
      summary: 'removes an installed plugin',
      operands: backendRef,
      options: [json, yes, { name: 'data', help: 'also what it keeps in its own folder' }],
      load: async () => (await import('../../commands/plugins/remove-plugin.ts')).removePlugin,
    },
    {
      name: 'backends verify',
      summary: 'judges a plugin of any language: a line for each requirement',
      operands: ['PATH'],
      options: [
        json,
        {
          name: 'model',
          short: 'm',
          value: 'NAME',
          help: 'the model to ask; else the one in lmapp-verify.json, or the first',
        },
        { name: 'only', value: 'ID', repeatable: true, help: 'these requirements only, or all that begin so: chat' },
      ],
      load: async () => (await import('../../commands/plugins/verify-plugin.ts')).verifyPluginCommand,
    },
    {
      name: 'backends new',
      summary: 'makes a folder with a small backend that works, to begin with',
      operands: backendRef,
      options: [{ name: 'language', value: 'LANGUAGE', help: 'node or python' }, json],
      load: async () => (await import('../../commands/plugins/new-plugin.ts')).newPlugin,
    },
  ],
}
