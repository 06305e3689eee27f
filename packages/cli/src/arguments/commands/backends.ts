import type { CommandSpec } from '../command-spec.ts'
import { json, lines, yesToFetch } from './shared-options.ts'

const backendRef = ['NAME']

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
      summary: 'fetches an engine: llamafile, or llamafile@VERSION',
      operands: backendRef,
      options: [json, yesToFetch],
      load: async () => (await import('../../commands/install-backend.ts')).installBackend,
    },
    ...['update', 'remove', 'verify', 'new'].map((verb) => ({
      name: `backends ${verb}`,
      summary: 'comes in a later version',
      operands: backendRef,
      options: [],
    })),
  ],
}
